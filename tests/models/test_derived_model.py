"""A derived model is the searched model with one-hot weights."""

import json
import subprocess
import sys
import warnings

import keras
import numpy as np
import pytest
from samples import image

from tfdarts.layers.alphas import alphas_of
from tfdarts.layers.choice import Choice
from tfdarts.layers.input_choice import InputChoice
from tfdarts.layers.layer_choice import LayerChoice
from tfdarts.layers.nested import nested_layers
from tfdarts.models.chosen_options import choices_of
from tfdarts.models.derived_model import derive_model

layers = keras.layers


def of_images():
    """Choices of layers, sizes and inputs, one inside another."""
    inputs = keras.Input((8, 8, 3), name="pixels")
    deep = keras.Sequential(
        [
            layers.SeparableConv2D(6, 5, padding="same"),
            layers.BatchNormalization(),
            LayerChoice([layers.ReLU(), layers.Activation("tanh")], name="act"),
        ],
        name="deep",
    )
    conv = layers.Conv2D(6, 3, padding="same", name="conv")
    x = LayerChoice([conv, deep], name="block")(inputs)
    x = LayerChoice.of_sizes(
        lambda size: layers.Conv2D(size, 1, activation="relu"),
        *((2, 4, 8),),
        name="filters",
    )(x)
    y = layers.Conv2D(8, 3, padding="same")(x)
    x = InputChoice(3, num_chosen=2, name="skips")([x, y, layers.ReLU()(y)])
    x = layers.GlobalAveragePooling2D()(x)
    x = LayerChoice.of_sizes(layers.Dense, (3, 5), name="units")(x)
    return keras.Model(inputs, layers.Dense(4, name="classes")(x)), (8, 8, 3)


def of_words():
    """A nested functional model, recurrent layers, a choice in a sequence."""
    sequence = keras.Input((6, 4))
    mixed = LayerChoice(
        [
            layers.LSTM(5, return_sequences=True),
            layers.Conv1D(5, 3, padding="same"),
        ],
        name="recurrence",
    )(sequence)
    inner = keras.Model(sequence, mixed, name="inner")
    inputs = keras.Input((6, 4), name="words")
    x = LayerChoice.of_sizes(layers.Dense, (1, 5), name="width")(inner(inputs))
    model = keras.Model(inputs, layers.Dense(2)(layers.Flatten()(x)))
    return model, (6, 4)


def in_sequence():
    model = keras.Sequential(
        [
            keras.Input((7,)),
            LayerChoice.of_sizes(layers.Dense, (2, 3, 6), name="units"),
            LayerChoice(
                [layers.Activation("tanh"), layers.PReLU()], name="activation"
            ),
            layers.Dense(3),
        ]
    )
    return model, (7,)


def choose(model, seed):
    """Sets one-hot weights at random, two for a choice of two inputs."""
    random = np.random.default_rng(seed)
    for layer in nested_layers(model):
        if isinstance(layer, Choice):
            number = getattr(layer, "num_chosen", 1)
            alpha = np.full((1, len(layer.options)), -1e4)
            alpha[0, random.permutation(alpha.size)[:number]] = 0
            layer.alphas.alpha.assign(alpha)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("make", [of_images, of_words, in_sequence])
def test_with_copied_weights_it_equals_the_search_with_one_hot_weights(
    make, seed
):
    keras.utils.set_random_seed(seed)
    model, shape = make()
    for weight in model.weights:
        if not weight.path.endswith("alpha"):
            weight.assign(np.abs(image(*weight.shape, seed=seed)) + 0.1)
    choose(model, seed)
    x = image(5, *shape).astype("float32")
    derived = derive_model(model, copy_weights=True)
    expected = model(x)
    np.testing.assert_allclose(derived(x), expected, rtol=1e-5, atol=1e-5)
    # Behind a batch norm, too, training is the same.
    np.testing.assert_allclose(
        derived(x, training=True), model(x, training=True), rtol=1e-4, atol=1e-4
    )
    assert not any(
        type(layer).__module__.startswith("tfdarts")
        for layer in nested_layers(derived)
    )
    if not isinstance(model, keras.Sequential):
        assert derived.layers[0].name == model.layers[0].name


def in_each_step():
    candidates = [layers.Dense(3), layers.Dense(3, "relu")]
    return LayerChoice(candidates, name="each")


@pytest.mark.parametrize(
    "make",
    [
        in_each_step,
        lambda: LayerChoice.of_sizes(layers.Dense, (2, 3), name="each"),
        lambda: keras.Sequential([in_each_step(), layers.Dense(3)]),
        lambda: keras.Sequential(
            [LayerChoice.of_sizes(layers.Dense, (2, 3)), layers.Dense(3)]
        ),
    ],
)
@pytest.mark.parametrize("chosen", [0, 1])
def test_a_choice_may_be_at_each_step_of_a_sequence(make, chosen):
    inputs = keras.Input((6, 4))
    x = layers.TimeDistributed(make(), name="steps")(inputs)
    model = keras.Model(inputs, layers.Dense(2)(layers.Flatten()(x)))
    (alphas,) = alphas_of(model)
    alphas.alpha.assign(1e4 * np.eye(2)[[chosen]])
    x = image(5, 6, 4).astype("float32")
    derived = derive_model(model, copy_weights=True)
    np.testing.assert_allclose(derived(x), model(x), atol=1e-6)
    inner = derived.get_layer("steps").layer
    assert isinstance(inner, (layers.Dense, keras.Sequential))
    assert derive_model(model)(x).shape == (5, 2)


def test_new_weights_make_a_small_model():
    model, _ = in_sequence()
    model.layers[0].alphas.alpha.assign([[1.0, 0.0, 0.0]])
    model.layers[1].alphas.alpha.assign([[1.0, 0.0]])
    derived = derive_model(model)
    assert [w.shape for w in derived.weights] == [(7, 2), (2,), (2, 3), (3,)]
    assert [layer.name for layer in derived.layers][:2] == [
        "units",
        "activation",
    ]


def test_what_is_chosen_is_readable_and_json():
    model, _ = of_images()
    choose(model, 1)
    found = choices_of(model)
    assert [*found] == ["block", "act", "filters", "skips", "units"] or {
        *found
    } == {"block", "act", "filters", "skips", "units"}
    assert found["block"]["chosen"] in ("conv", "deep")
    assert len(found["skips"]["chosen"]) == 2
    assert sum(found["units"]["probabilities"].values()) == pytest.approx(1)
    assert json.loads(json.dumps(found)) == found


def test_it_is_loaded_where_tfdarts_is_not_installed(tmp_path):
    model, shape = of_images()
    choose(model, 2)
    derived = derive_model(model, copy_weights=True)
    derived.save(tmp_path / "derived.keras")
    x = image(2, *shape).astype("float32")
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "expected.npy", derived(x))
    code = """
import sys
sys.modules["tfdarts"] = None
import keras
import numpy as np
model = keras.models.load_model("derived.keras")
# Another number of threads rounds differently.
np.testing.assert_allclose(
    model(np.load("x.npy")), np.load("expected.npy"), rtol=1e-5, atol=1e-6
)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert not done.returncode, done.stderr


def test_operations_stay():
    """Sums and functions of Keras between layers."""
    inputs = keras.Input((4,))
    choice = LayerChoice([layers.Dense(4), layers.ReLU()], name="choice")
    x = keras.ops.tanh(choice(inputs) + inputs)
    model = keras.Model(inputs, layers.Dense(2)(x))
    choice.alphas.alpha.assign([[0.0, -1e4]])
    derived = derive_model(model, copy_weights=True)
    x = image(3, 4).astype("float32")
    np.testing.assert_allclose(derived(x), model(x), atol=1e-6)


def test_masks_stay():
    words = keras.Input((5,), dtype="int32")
    x = layers.Embedding(9, 4, mask_zero=True)(words)
    choice = LayerChoice([layers.Dense(4), layers.ReLU()], name="choice")
    model = keras.Model(words, layers.GRU(3)(choice(x)))
    choice.alphas.alpha.assign([[0.0, -1e4]])
    derived = derive_model(model, copy_weights=True)
    x = np.array([[1, 2, 0, 0, 0], [3, 1, 4, 2, 0]])
    np.testing.assert_allclose(derived(x), model(x), atol=1e-6)


def embedding(**options):
    return layers.Embedding(9, 4, mask_zero=True, **options)


def recurrent_or_not():
    """One candidate keeps the mask, the other has none."""
    candidates = [layers.GRU(4, return_sequences=True), Unmasked()]
    return LayerChoice(candidates, name="choice")


@keras.saving.register_keras_serializable("test_derived_model")
class Unmasked(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs):
        return 2 * inputs

    def compute_mask(self, inputs, previous_mask):
        return None


def of_inputs(words):
    x = embedding()(words)
    return InputChoice(2, name="choice")([x, Unmasked()(x)])


def of_two_masks(words):
    others = embedding()(words[:, ::-1])
    skip = InputChoice(3, num_chosen=2, name="choice")
    x = embedding()(words)
    return skip([x, others, layers.Dense(4)(x)])


def of_masking(words):
    x = layers.Embedding(9, 4, embeddings_initializer="zeros")(words)
    candidates = [layers.Identity(), layers.Masking()]
    return LayerChoice(candidates, name="choice")(x)


def of_embeddings(words):
    candidates = [embedding(), layers.Embedding(9, 4)]
    return LayerChoice(candidates, name="choice")(words)


def of_sizes_with(make):
    def of_words(words):
        choice = LayerChoice.of_sizes(make, (2, 4), name="choice")
        return choice(embedding()(words))

    return of_words


@pytest.mark.filterwarnings("ignore:Layer .* does not support masking")
@pytest.mark.parametrize("chosen", [0, 1])
@pytest.mark.parametrize(
    ("make", "warns"),
    [
        (of_inputs, True),
        (of_two_masks, True),
        (of_masking, True),
        (of_embeddings, True),
        (lambda words: recurrent_or_not()(embedding()(words)), True),
        (
            lambda words: keras.Sequential(
                [embedding(), recurrent_or_not(), layers.Dense(4)]
            )(words),
            True,
        ),
        (of_sizes_with(layers.Dense), False),
        (of_sizes_with(lambda size: layers.Conv1D(size, 1)), False),
        (
            lambda words: LayerChoice(
                [embedding(), keras.Sequential([embedding()])], name="choice"
            )(words),
            False,
        ),
    ],
)
def test_masks_that_differ_between_options(make, warns, chosen):
    """The mean of the outputs depends on the mask."""
    words = keras.Input((5,), dtype="int32")
    x = layers.GlobalAveragePooling1D()(make(words))
    model = keras.Model(words, layers.Dense(2)(x))
    (choice,) = [e for e in nested_layers(model) if isinstance(e, Choice)]
    alpha = np.full(choice.alphas.alpha.shape, -1e4)
    alpha[0, chosen : chosen + getattr(choice, "num_chosen", 1)] = 0
    choice.alphas.alpha.assign(alpha)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        derived = derive_model(model, copy_weights=True)
    assert any("masks differ" in str(w.message) for w in caught) == warns
    x = np.array([[1, 2, 0, 0, 0], [3, 1, 4, 2, 0]])
    np.testing.assert_allclose(derived(x), model(x), atol=1e-6)


def test_a_removed_mask_is_saved(tmp_path):
    words = keras.Input((5,), dtype="int32")
    model = keras.Model(words, layers.GRU(2)(of_embeddings(words)))
    with pytest.warns(UserWarning, match="or their masks differ"):
        derived = derive_model(model)
    derived.save(tmp_path / "derived.keras")
    loaded = keras.models.load_model(tmp_path / "derived.keras")
    x = np.array([[1, 2, 0, 0, 0]])
    np.testing.assert_array_equal(loaded(x), derived(x))


def test_what_was_adapted_or_frozen_stays():
    inputs = keras.Input((4,))
    normalize = layers.Normalization()
    normalize.adapt(np.arange(40.0).reshape(10, 4))
    frozen = keras.Sequential([layers.Dense(4)], name="frozen")
    frozen.trainable = False
    choice = LayerChoice([layers.Dense(4), layers.ReLU()], name="choice")
    model = keras.Model(inputs, choice(frozen(normalize(inputs))))
    choice.alphas.alpha.assign([[0.0, 1e4]])
    x = image(3, 4).astype("float32")
    derived = derive_model(model)
    np.testing.assert_allclose(derived(x), model(x), atol=1e-5)
    assert not derived.get_layer("frozen").trainable


class PartlyFrozen(keras.layers.Layer):
    """A layer of its own class, which makes a frozen layer."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.fixed = layers.Dense(4, trainable=False)
        self.learned = layers.Dense(4)

    def call(self, inputs):
        return self.learned(self.fixed(inputs))


def choice_of(candidate):
    return LayerChoice([candidate, layers.Dense(4)], name="choice")


def frozen(layer):
    layer.trainable = False
    return layer


def frozen_dense(size):
    return layers.Dense(size, trainable=False)


def of_sizes(make):
    return LayerChoice.of_sizes(make, (4, 5), name="choice")


@pytest.mark.parametrize(
    ("make", "kernels"),
    [
        (lambda: choice_of(frozen_dense(4)), 1),
        (lambda: frozen(choice_of(layers.Dense(4))), 1),
        (lambda: layers.TimeDistributed(choice_of(frozen_dense(4))), 1),
        (lambda: choice_of(layers.TimeDistributed(frozen_dense(4))), 1),
        (lambda: choice_of(frozen(Own())), 1),
        (lambda: choice_of(PartlyFrozen()), 2),
        (lambda: of_sizes(frozen_dense), 1),
        (lambda: frozen(of_sizes(layers.Dense)), 1),
    ],
)
def test_frozen_candidates_keep_their_weights(make, kernels):
    inputs, layer = keras.Input((3, 4)), make()
    model = keras.Model(inputs, layer(inputs))
    for alphas in alphas_of(model):
        alphas.alpha.assign([[1e4, 0.0]])
    derived = derive_model(model)
    weights = [w.numpy() for w in derived.non_trainable_weights]
    expected = [w for w in layer.non_trainable_weights if w.name != "alpha"]
    assert len(weights) == 2 and len(derived.weights) == 2 * kernels
    for weight, original in zip(weights, expected):
        original = original.numpy()[..., : weight.shape[-1]]
        np.testing.assert_array_equal(weight, original)


@pytest.mark.parametrize("copy_weights", [False, True])
@pytest.mark.parametrize(
    "make",
    [
        layers.Normalization,
        lambda: layers.Discretization(num_bins=4, output_mode="multi_hot"),
        lambda: layers.IntegerLookup(output_mode="multi_hot", max_tokens=4),
    ],
)
def test_adapted_candidates_stay_adapted(make, copy_weights):
    adapted = make()
    data = np.arange(12).reshape(3, 4)
    adapted.adapt(data)
    inputs = keras.Input((4,), dtype=getattr(adapted, "input_dtype", None))
    choice = choice_of(adapted)
    model = keras.Model(inputs, choice(inputs))
    choice.alphas.alpha.assign([[1e4, 0.0]])
    derived = derive_model(model, copy_weights)
    np.testing.assert_allclose(derived(data), model(data), atol=1e-5)


class Own(keras.layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = layers.Dense(4)

    def call(self, inputs):
        return self.dense(inputs) + inputs


def test_layers_of_ones_own_are_candidates():
    inputs = keras.Input((4,))
    candidates = [Own(), layers.Lambda(lambda x: 2 * x, name="twice")]
    choice = LayerChoice(candidates, name="choice")
    model = keras.Model(inputs, layers.Dense(2)(choice(inputs)))
    x = image(3, 4).astype("float32")
    for chosen in range(2):
        choice.alphas.alpha.assign(1e4 * np.eye(2)[[chosen]])
        derived = derive_model(model, copy_weights=True)
        np.testing.assert_allclose(derived(x), model(x), atol=1e-6)


@pytest.mark.parametrize(
    "make",
    [
        lambda size: layers.Dense(size, activation="softmax"),
        lambda size: layers.Conv1D(size, 1, groups=2),
    ],
)
def test_what_is_no_choice_of_sizes_is_refused(make):
    inputs = keras.Input((3, 4))
    choice = LayerChoice.of_sizes(make, (2, 4), name="width")
    model = keras.Model(inputs, choice(inputs))
    choice.alphas.alpha.assign([[0.0, -1e4]])
    with pytest.raises(ValueError, match="width is not a choice of sizes"):
        derive_model(model, copy_weights=True)


def test_sizes_that_do_not_fit_are_named():
    inputs = keras.Input((4,))
    choice = LayerChoice.of_sizes(layers.Dense, (2, 4), name="width")
    model = keras.Model(inputs, layers.Reshape((2, 2))(choice(inputs)))
    choice.alphas.alpha.assign([[0.0, -1e4]])
    with pytest.raises(ValueError, match="chosen sizes of width, the layers"):
        derive_model(model)


def test_shared_layers_stay_shared():
    inputs = keras.Input((4,))
    shared = layers.Dense(4, name="shared")
    choice = LayerChoice([layers.Dense(4), layers.ReLU()], name="choice")
    model = keras.Model(inputs, shared(choice(shared(inputs))))
    choice.alphas.alpha.assign([[0.0, 1.0]])
    derived = derive_model(model, copy_weights=True)
    assert derived.count_params() == 20
    x = image(3, 4).astype("float32")
    weight = np.asarray(choice.probabilities())
    assert weight.argmax() == 1 and len(alphas_of(model)) == 1
    hidden = np.maximum(shared(x), 0)
    np.testing.assert_allclose(derived(x), shared(hidden), atol=1e-6)


def test_what_is_refused():
    inputs = keras.Input((4,))
    for function in (derive_model, choices_of):
        with pytest.raises(ValueError, match="of a Keras model. Received: 'm"):
            function("model.keras")
    with pytest.raises(ValueError, match="has no choices, so there is nothing"):
        derive_model(keras.Model(inputs, layers.Dense(3)(inputs)))
    x = inputs
    for outer in ("a", "b"):
        inner = keras.Input((4,))
        choice = LayerChoice([layers.Dense(4), layers.ReLU()], name="same")
        x = keras.Model(inner, choice(inner), name=outer)(x)
    with pytest.raises(ValueError, match="Two choices have the name 'same'"):
        choices_of(keras.Model(inputs, x))
