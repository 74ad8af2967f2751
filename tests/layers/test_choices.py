"""Choices in Keras models: weighted sums by hand, shared alphas, refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from samples import image

from tfdarts.layers.alphas import Alphas
from tfdarts.layers.alphas import alphas_of
from tfdarts.layers.input_choice import InputChoice
from tfdarts.layers.layer_choice import LayerChoice
from tfdarts.layers.relaxations import Concrete
from tfdarts.layers.relaxations import Sigmoid
from tfdarts.layers.size_choice import SizeChoice
from tfdarts.models.derived_model import derive_model


def softmax(values):
    exponentials = np.exp(values - np.max(values))
    return exponentials / exponentials.sum()


def three_layers(**form):
    return [
        keras.layers.Dense(4, activation="tanh", name="tanh", **form),
        keras.Sequential(
            [keras.layers.Dense(3, **form), keras.layers.Dense(4, **form)],
            name="deep",
        ),
        keras.layers.Dense(4, name="linear", **form),
    ]


def set_alphas(choice, seed=3):
    values = np.random.default_rng(seed).normal(size=choice.alphas.alpha.shape)
    choice.alphas.alpha.assign(values)
    return softmax(values[0])


def test_a_layer_choice_is_the_weighted_sum_of_its_candidates():
    choice = LayerChoice(three_layers(), name="block")
    x = image(5, 7).astype("float32")
    choice(x)
    weights = set_alphas(choice)
    expected = sum(
        weight * np.asarray(layer(x))
        for weight, layer in zip(weights, choice.layers)
    )
    np.testing.assert_allclose(choice(x), expected, atol=1e-6)
    assert choice.options == ["tanh", "deep", "linear"]
    assert choice.chosen == np.argmax(weights)
    np.testing.assert_allclose(choice.probabilities(), weights, rtol=1e-6)


def test_the_gradient_of_alpha_is_that_of_the_softmax():
    choice = LayerChoice(three_layers(dtype="float64"), dtype="float64")
    x = image(5, 7)
    choice(x)
    weights = set_alphas(choice)
    alpha = choice.alphas.alpha.value
    with tf.GradientTape() as tape:
        tape.watch(alpha)
        loss = tf.reduce_sum(choice(x))
    (gradient,) = tape.gradient(loss, alpha)
    values = [float(tf.reduce_sum(layer(x))) for layer in choice.layers]
    expected = weights * (values - np.dot(weights, values))
    np.testing.assert_allclose(gradient, expected, rtol=1e-10)


def test_structures_of_outputs_are_summed_one_by_one():
    """A recurrent layer returns its state, too."""
    options = {"return_state": True, "return_sequences": True}
    layers = [
        keras.layers.GRU(4, **options),
        keras.layers.SimpleRNN(4, **options),
    ]
    choice = LayerChoice(layers)
    x = image(2, 5, 3).astype("float32")
    outputs = choice(x)
    first, second = (layer(x) for layer in layers)
    for output, a, b in zip(outputs, first, second, strict=True):
        np.testing.assert_allclose(output, (a + b) / 2, atol=1e-3)


def test_a_size_choice_scales_channels():
    # All layers may have one name.
    choice = LayerChoice.of_sizes(lambda n: dense(n, name="d"), (1, 2, 4))
    x = image(5, 7).astype("float32")
    choice(x)
    small, medium, large = set_alphas(choice)
    scale = [
        small + medium + large,
        medium + large,
        large,
        large,
    ]
    np.testing.assert_allclose(choice(x), choice.layer(x) * scale, atol=1e-6)
    assert choice.options == ["1", "2", "4"]
    # Only the widest layer has weights.
    assert [w.shape for w in choice.trainable_weights] == [(7, 4), (4,)]


def test_an_input_choice_sums_its_inputs():
    choice = InputChoice(3, num_chosen=2)
    inputs = [image(2, 3, seed=seed).astype("float32") for seed in range(3)]
    choice(inputs)
    weights = set_alphas(choice)
    expected = 2 * sum(w * x for w, x in zip(weights, inputs))
    np.testing.assert_allclose(choice(inputs), expected, atol=1e-6)
    choice.alphas.alpha.assign([[0.0, -1.0, 3.0]])
    assert choice.chosen_inputs == [0, 2]


def test_an_input_choice_counts_its_inputs_at_the_first_call(tmp_path):
    """In a functional model at once; saved and cloned, it is the same."""
    inputs = keras.Input((4,))
    choice = InputChoice(num_chosen=2, relaxation="sigmoid", name="skip")
    for read in (choice.probabilities, lambda: choice.chosen):
        with pytest.raises(AttributeError, match="skip has no alphas before"):
            read()
    again = InputChoice.from_config(choice.get_config())
    outputs = choice([inputs, dense()(inputs), dense()(inputs)])
    assert choice.alphas.alpha.shape == (1, 3)
    again([inputs] * 3)
    assert again.num_chosen == 2
    assert isinstance(again.alphas.relaxation, Sigmoid)
    model = keras.Model(inputs, outputs)
    assert alphas_of(model) == [choice.alphas]
    set_alphas(choice)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    x = image(5, 4).astype("float32")
    np.testing.assert_array_equal(loaded(x), model(x))
    (copied,) = alphas_of(keras.models.clone_model(model))
    assert copied is not choice.alphas
    counted = InputChoice(3, 2, relaxation="sigmoid", name="skip")
    assert counted.get_config().keys() == choice.get_config().keys()


def test_shared_alphas_count_the_inputs():
    alphas = Alphas(1, 3, name="shared")
    choice = InputChoice(alphas=alphas)
    assert (choice.num_inputs, choice.alphas) == (3, alphas)


def test_choices_share_alphas():
    alphas = Alphas(1, 3, name="shared")
    inputs = keras.Input((7,))
    first = LayerChoice(three_layers(), alphas=alphas, name="first")
    second = LayerChoice(three_layers(), alphas=alphas, name="second")
    model = keras.Model(inputs, second(first(inputs)))
    assert alphas_of(model) == [alphas]
    set_alphas(first)
    assert first.chosen == second.chosen


def test_the_relaxation_is_the_alphas():
    choice = LayerChoice(three_layers(), relaxation=Concrete(1e-6, seed=1))
    x = image(5, 7).astype("float32")
    sampled = choice(x, training=True)
    differences = [np.abs(sampled - layer(x)).max() for layer in choice.layers]
    assert min(differences) < 1e-5
    mean = sum(np.asarray(layer(x)) for layer in choice.layers) / 3
    np.testing.assert_allclose(choice(x), mean, atol=1e-2)


def test_training_reaches_the_candidates():
    choice = LayerChoice(
        [keras.layers.Dropout(0.5, seed=1), keras.layers.BatchNormalization()]
    )
    x = image(50, 4).astype("float32")
    still = choice(x, training=False)
    moving = choice(x, training=True)
    assert np.abs(still - moving).max() > 0.1
    assert np.any(choice.layers[1].moving_mean.numpy())


def test_masks_reach_the_candidates():
    """The embedding of the words is masked where a word is 0."""
    options = {"return_sequences": False}
    layers = [keras.layers.GRU(4, **options), keras.layers.LSTM(4, **options)]
    inputs = keras.Input((None,), dtype="int32")
    embedded = keras.layers.Embedding(10, 3, mask_zero=True)(inputs)
    model = keras.Model(inputs, LayerChoice(layers)(embedded))
    words = np.array([[4, 5, 0, 0]])
    np.testing.assert_allclose(model(words), model(words[:, :2]), atol=1e-6)


def attentions():
    attention = keras.layers.MultiHeadAttention
    return [attention(2, 3, name="two"), attention(1, 4, name="one")]


def test_candidates_of_several_arguments():
    choice = LayerChoice(attentions(), name="attention")
    query, value = (image(2, n, 6, seed=n).astype("float32") for n in (3, 5))
    mask = np.tril(np.ones((2, 3, 5), bool))
    outputs = choice(query, value, attention_mask=mask)
    weights = set_alphas(choice)
    outputs = choice(query, value, attention_mask=mask)
    expected = sum(
        weight * np.asarray(layer(query, value, attention_mask=mask))
        for weight, layer in zip(weights, choice.layers)
    )
    np.testing.assert_allclose(outputs, expected, atol=1e-5)
    paths = [weight.path for weight in choice.layers[0].weights]
    assert paths[0] == "attention/two/query/kernel"


def test_masks_of_several_arguments_reach_the_candidates(tmp_path):
    words, values = keras.Input((None,), dtype="int32"), keras.Input((5, 6))
    query = keras.layers.Embedding(9, 6, mask_zero=True)(words)
    mixed = LayerChoice(attentions(), name="attention")(query, values)
    model = keras.Model([words, values], keras.layers.GRU(3)(mixed))
    x = [np.array([[1, 2, 0, 0]]), image(1, 5, 6).astype("float32")]
    outputs = model(x)
    np.testing.assert_allclose(
        model([x[0][:, :2], x[1]]), outputs, rtol=1e-5, atol=1e-6
    )
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(x), outputs)
    derived = derive_model(model, copy_weights=True)
    choice = model.get_layer("attention")
    choice.alphas.alpha.assign(1e4 * np.eye(2)[[choice.chosen]])
    np.testing.assert_allclose(derived(x), model(x), atol=1e-6)


def test_all_attentions_see_the_masks_of_values():
    """An attention layer of Keras removes them while it computes."""
    words = keras.Input((None,), dtype="int32")
    values = keras.layers.Embedding(9, 6, mask_zero=True)(words)
    queries = keras.Input((3, 6))
    choice = LayerChoice(attentions(), name="attention")
    model = keras.Model([words, queries], choice(queries, values))
    x = [np.array([[1, 2, 0, 0]]), image(1, 3, 6).astype("float32")]
    short = [np.array([[1, 2]]), x[1]]
    np.testing.assert_allclose(model(x), model(short), atol=1e-6)


class Gather(keras.layers.Layer):
    def build(self, input_shape):
        self.table = self.add_weight(shape=(9, 6))

    def call(self, inputs):
        return tf.gather(self.table, inputs)


def test_integers_reach_the_candidates():
    words = keras.Input((4,), dtype="int32")
    choice = LayerChoice([Gather(), keras.layers.Embedding(9, 6)])
    assert choice(words).shape == (None, 4, 6)
    assert choice.built


def test_half_precision():
    choice = LayerChoice(three_layers(), dtype="mixed_bfloat16")
    assert choice(image(5, 7).astype("float32")).dtype == tf.bfloat16
    assert choice.alphas.alpha.dtype == "float32"


def test_a_saved_model_keeps_its_choices(tmp_path):
    inputs = keras.Input((7,))
    x = LayerChoice(three_layers(), name="block")(inputs)
    x = LayerChoice.of_sizes(keras.layers.Dense, (2, 4), name="width")(x)
    outputs = InputChoice(2, name="skip")([x, keras.layers.Dense(4)(x)])
    model = keras.Model(inputs, outputs)
    for number, alphas in enumerate(alphas_of(model)):
        values = np.random.default_rng(number).normal(size=alphas.alpha.shape)
        alphas.alpha.assign(values)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    x = image(5, 7).astype("float32")
    np.testing.assert_array_equal(loaded(x), model(x))
    for one, other in zip(alphas_of(model), alphas_of(loaded), strict=True):
        np.testing.assert_array_equal(one.alpha, other.alpha)


def test_a_clone_has_alphas_of_its_own():
    alphas = Alphas(1, 3, name="shared")
    inputs = x = keras.Input((4,))
    for name in ("first", "second"):
        x = LayerChoice(three_layers(), alphas=alphas, name=name)(x)
    x = InputChoice(2, name="own")([x, inputs])
    model = keras.Model(inputs, x)
    clones = []
    for _ in range(2):
        clone = keras.models.clone_model(model)
        shared, own = alphas_of(clone)
        assert not {id(shared), id(own)} & {*map(id, alphas_of(model))}
        assert clone.get_layer("first").alphas is shared
        assert clone.get_layer("second").alphas is shared
        shared.alpha.assign([[1.0, 2.0, 3.0]])
        assert abs(alphas.alpha.numpy()).max() < 0.1
        clones.append(clone)


def test_a_candidate_of_two_choices_is_shared_after_loading(tmp_path):
    shared = dense(name="shared")
    inputs = x = keras.Input((4,))
    for name in ("first", "second"):
        candidates = [shared, keras.layers.ReLU(name="relu")]
        x = LayerChoice(candidates, name=name)(x)
    model = keras.Model(inputs, x)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    x = image(3, 4).astype("float32")
    np.testing.assert_array_equal(loaded(x), model(x))
    clone = keras.models.clone_model(model)
    for each in (loaded, clone):
        first, second = (each.get_layer(name) for name in ("first", "second"))
        assert first.layers[0] is second.layers[0] is not shared
        assert len(each.trainable_weights) == 2


def test_shared_alphas_are_shared_after_loading(tmp_path):
    alphas = Alphas(1, 3, name="shared")
    inputs = x = keras.Input((4,))
    for name in ("first", "second"):
        x = LayerChoice(three_layers(), alphas=alphas, name=name)(x)
    model = keras.Model(inputs, x)
    model.save(tmp_path / "model.keras")
    assert (
        len(alphas_of(keras.models.load_model(tmp_path / "model.keras"))) == 1
    )


def dense(size=4, **options):
    return keras.layers.Dense(size, **options)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LayerChoice([dense()]), "needs at least two options"),
        (lambda: LayerChoice([dense()] * 2), "is given twice"),
        (
            lambda: LayerChoice([dense(name="a"), dense(name="a")]),
            "Two candidates have the name 'a'",
        ),
        (lambda: LayerChoice(dense()), "must be a list of Keras layers"),
        (lambda: LayerChoice([dense(), tf.tanh]), "must be a Keras layer"),
        (
            lambda: LayerChoice([dense(), dense(3)], name="b")(tf.ones((1, 2))),
            r"candidates of the choice b must return .* \(1, 4\).* \(1, 3\)",
        ),
        (
            lambda: LayerChoice([dense(), *attentions()], name="b")(
                tf.ones((1, 2, 4)), tf.ones((1, 2, 4))
            ),
            "candidate dense.* of the choice b cannot be called with",
        ),
        (lambda: SizeChoice([dense(2), dense(1)], [2, 1]), "must increase"),
        (
            lambda: SizeChoice(attentions(), [1, 2])(tf.ones((1, 2, 4))),
            "calls one with one input: .* Use a LayerChoice for layers of",
        ),
        (
            lambda: LayerChoice.of_sizes(keras.layers.LSTM, (2, 4)),
            "not a smaller recurrent layer",
        ),
        (
            lambda: SizeChoice([dense(2), dense(3)], [2, 4])(tf.ones((1, 2))),
            "The largest size of the choice .* is 4, but its layer returns",
        ),
        (lambda: InputChoice(2, num_chosen=2), "must be at least 1 and below"),
        (lambda: InputChoice(num_chosen=0), "must be at least 1 and below"),
        (
            lambda: InputChoice(num_chosen=2)([tf.ones((1, 2))] * 2),
            "below the number of inputs, 2. Received: 2",
        ),
        (
            lambda: InputChoice()(tf.ones((2, 3))),
            r"a list of inputs of the same shape. Received .* \(2, 3\)",
        ),
        (
            lambda: InputChoice(2)([tf.ones((1, 2)), tf.ones((1, 3))]),
            "takes a list of 2 inputs of the same shape",
        ),
        (
            lambda: InputChoice(2)(tf.ones((2, 3))),
            r"a list of 2 inputs of the same shape. Received .* \(2, 3\)",
        ),
        (
            lambda: LayerChoice([dense(), dense()], alphas=Alphas(1, 3)),
            "must have 1 row and 2 columns",
        ),
        (
            lambda: LayerChoice(
                [dense(), dense()], alphas=Alphas(1, 2), relaxation="softmax"
            ),
            "`relaxation` belongs to the alphas",
        ),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
