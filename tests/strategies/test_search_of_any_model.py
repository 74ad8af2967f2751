"""`DARTS` on Keras models with choices, against tapes and Keras alone."""

import pathlib
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfdarts.layers.input_choice import InputChoice
from tfdarts.layers.layer_choice import LayerChoice
from tfdarts.strategies.darts import DARTS
from tfdarts.training.optimizers import SGD
from tfdarts.training.optimizers import Adam

layers = keras.layers
ROWS, FEATURES, XI = 12, 5, 0.1


def two_outputs(dtype="float64"):
    """Two outputs, a regularizer, a loss of its own, dropout-free."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((FEATURES,), dtype=dtype)
    form = {"dtype": dtype}
    candidates = [
        layers.Dense(6, activation="tanh", name="tanh", **form),
        layers.Dense(6, kernel_regularizer="l2", name="linear", **form),
    ]
    x = LayerChoice(candidates, name="block", **form)(inputs)
    x = LayerChoice.of_sizes(
        lambda size: layers.Dense(size, activation="softplus", **form),
        *((2, 4),),
        name="width",
        **form,
    )(x)
    x = layers.ActivityRegularization(l2=0.01, **form)(x)
    model = keras.Model(
        inputs,
        {
            "number": layers.Dense(1, name="number", **form)(x),
            "kind": layers.Dense(3, name="kind", **form)(x),
        },
    )
    random = np.random.default_rng(2)
    for variable in model.variables:
        variable.assign(random.normal(size=variable.shape))
    return model


def batch(seed, dtype="float64", rows=ROWS):
    random = np.random.default_rng(seed)
    y = {
        "number": random.normal(size=(rows, 1)).astype(dtype),
        "kind": random.integers(0, 3, rows),
    }
    weights = random.uniform(0.5, 2, rows).astype(dtype)
    return random.normal(size=(rows, FEATURES)).astype(dtype), y, weights


LOSSES = {
    "number": keras.losses.MeanSquaredError(dtype="float64"),
    "kind": keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, dtype="float64"
    ),
}
LOSS_WEIGHTS = {"number": 0.5, "kind": 2.0}


def plain_loss(model, data, penalty):
    """The loss written out, with what the model adds itself."""
    x, y, sample_weight = data

    def loss(weights, alphas):
        by_id = dict(
            zip(
                map(id, model.trainable_variables + alphas_in(model)),
                [*weights, *alphas],
            )
        )
        outputs, _, penalties = model.stateless_call(
            [by_id[id(v)] for v in model.trainable_variables],
            [by_id.get(id(v), v.value) for v in model.non_trainable_variables],
            x,
            training=True,
            return_losses=True,
        )
        error = tf.square(outputs["number"] - y["number"])[:, 0]
        log = tf.nn.log_softmax(outputs["kind"])
        cross = -tf.gather(log, y["kind"], axis=1, batch_dims=1)
        values = sample_weight * (0.5 * error + 2.0 * cross)
        return tf.reduce_mean(values) + penalty * sum(penalties)

    return loss


def alphas_in(model):
    return [v for v in model.variables if v.name == "alpha"]


def exact_hypergradient(model, train, val):
    """By tapes in tapes, for a plain step of gradient descent."""
    train_loss = plain_loss(model, train, 1.0)
    val_loss = plain_loss(model, val, 0.0)
    weights = [tf.constant(v.numpy()) for v in model.trainable_variables]
    alphas = [tf.constant(v.numpy()) for v in alphas_in(model)]
    with tf.GradientTape() as outer:
        outer.watch(alphas)
        with tf.GradientTape() as inner:
            inner.watch(weights)
            loss = train_loss(weights, alphas)
        gradients = inner.gradient(loss, weights)
        virtual = [w - XI * g for w, g in zip(weights, gradients)]
        loss = val_loss(virtual, alphas)
    return loss, outer.gradient(loss, alphas)


def built(order=2, method="exact", model=None, **options):
    model = model or two_outputs()
    search = DARTS(
        model, order=order, method=method, dtype="float64", **options
    )
    search.compile(
        SGD(XI, momentum=0.0), Adam(0.05), LOSSES, loss_weights=LOSS_WEIGHTS
    )
    return search


@pytest.mark.parametrize("micro_batches", [1, 2])
@pytest.mark.parametrize("method", ["exact", "central_difference"])
def test_the_hypergradient_is_the_derivative(method, micro_batches):
    search = built(method=method, micro_batches=micro_batches)
    train, val = batch(3), batch(4)
    loss, gradients = search.alpha_gradients(train, val, XI)
    expected_loss, expected = exact_hypergradient(search.supernet, train, val)
    if micro_batches == 1:
        np.testing.assert_allclose(loss, expected_loss, rtol=1e-10)
    rtol = 1e-8 if method == "exact" else 2e-2
    for gradient, exact in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(gradient, exact, rtol=rtol, atol=1e-6)


def searched(**arguments):
    """What a search moves in three steps, and its figures."""
    search = built(method="central_difference", **arguments)
    search.compile(
        *(SGD(XI, momentum=0.9), Adam(0.05), LOSSES),
        loss_weights=LOSS_WEIGHTS,
        metrics={"number": [keras.metrics.MeanAbsoluteError()]},
    )
    for step in range(3):
        logs = search.train_step((batch(step), batch(10 + step)))
    # Two devices have 6 and 7 rows, and none and 1.
    tested = [search.test_step(batch(20, rows=rows)) for rows in (13, 1)]
    figures = [each[name] for each in (logs, *tested) for name in sorted(each)]
    return [v.numpy() for v in search.supernet.variables], np.array(figures)


def test_two_devices_are_two_micro_batches(two_replicas):
    variables, figures = searched(micro_batches=2)
    others, same_figures = searched(distribution=two_replicas)
    for one, other in zip(variables, others, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(figures, same_figures, rtol=1e-5)


def test_the_steps_are_those_of_keras():
    """First order, with Keras' Adam on the weights."""
    search, model = built(order=1), two_outputs()
    search.compile(
        keras.optimizers.Adam(0.01),
        *(Adam(0.05), LOSSES),
        loss_weights=LOSS_WEIGHTS,
    )
    weight_optimizer, alpha_optimizer = keras.optimizers.Adam(0.01), Adam(0.05)
    alphas = alphas_in(model)
    for step in range(3):
        train, val = batch(10 + step), batch(20 + step)
        search.train_step((train, val))
        with tf.GradientTape() as tape:
            values = [v.value for v in alphas]
            tape.watch(values)
            weights = [v.value for v in model.trainable_variables]
            loss = plain_loss(model, val, 0.0)(weights, values)
        alpha_optimizer.apply(tape.gradient(loss, values), alphas)
        with tf.GradientTape() as tape:
            weights = [v.value for v in model.trainable_variables]
            tape.watch(weights)
            values = [v.value for v in alphas]
            loss = plain_loss(model, train, 1.0)(weights, values)
        gradients = tape.gradient(loss, weights)
        weight_optimizer.apply(gradients, model.trainable_variables)
    for one, other in zip(search.supernet.variables, model.variables):
        np.testing.assert_allclose(
            one, other, rtol=1e-6, atol=1e-9, err_msg=one.path
        )


def test_fit_takes_arrays_and_the_callbacks_of_keras(tmp_path):
    model = two_outputs("float32")
    search = DARTS(model, order=1)
    search.compile(
        *(SGD(0.01), Adam(0.05)),
        {"number": "mse", "kind": LOSSES["kind"]},
        metrics={"number": ["mae"], "kind": ["accuracy"]},
    )
    train, val = batch(1, rows=70), batch(2, rows=50)
    history = search.fit(
        *(train, val),
        batch_size=16,
        epochs=3,
        validation_data=(val[0].astype("float32"), val[1]),
        callbacks=[
            keras.callbacks.CSVLogger(tmp_path / "log.csv"),
            keras.callbacks.TensorBoard(tmp_path / "board"),
            keras.callbacks.EarlyStopping("val_loss", patience=5),
            keras.callbacks.ModelCheckpoint(tmp_path / "search.keras"),
        ],
        verbose=0,
    ).history
    assert {"loss", "alpha_loss", "number_mae", "val_kind_accuracy"} <= {
        *history
    }
    assert "supernet_accuracy" not in history
    assert history["loss"][-1] < history["loss"][0]
    outputs = model.predict(val[0], verbose=0)
    expected = np.mean(np.argmax(outputs["kind"], axis=1) == val[1]["kind"])
    assert history["val_kind_accuracy"][-1] == pytest.approx(expected, abs=1e-6)
    error = np.mean(np.abs(outputs["number"] - val[1]["number"]))
    assert history["val_number_mae"][-1] == pytest.approx(error, rel=1e-4)
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 4
    loaded = keras.models.load_model(tmp_path / "search.keras")
    for one, other in zip(loaded.variables, search.variables, strict=True):
        np.testing.assert_array_equal(one, other)
    loaded.fit(train, val, batch_size=16, verbose=0)


def relu_or_not(make):
    """A model that can be told by its data: they come from a ReLU."""
    keras.utils.set_random_seed(3)
    candidates = [
        layers.ReLU(name="relu"),
        layers.Activation("linear", name="no"),
    ]
    model = make(LayerChoice(candidates, name="activation"))
    random = np.random.default_rng(5)
    kernel = random.normal(size=(FEATURES, 8))
    x = random.normal(size=(400, FEATURES)).astype("float32")
    y = np.maximum(x @ kernel, 0).sum(1, keepdims=True).astype("float32")
    return model, (x, y)


class Subclassed(keras.Model):
    def __init__(self, choice):
        super().__init__()
        self.hidden = layers.Dense(16)
        self.choice = choice
        self.outputs_layer = layers.Dense(1)

    def call(self, inputs):
        return self.outputs_layer(self.choice(self.hidden(inputs)))


def functional(choice):
    inputs = keras.Input((FEATURES,))
    x = choice(layers.Dense(16)(inputs))
    return keras.Model(inputs, layers.Dense(1)(x))


def sequential(choice):
    return keras.Sequential(
        [keras.Input((FEATURES,)), layers.Dense(16), choice, layers.Dense(1)]
    )


def with_frozen_layers(choice):
    inputs = keras.Input((FEATURES,))
    backbone = keras.Sequential([layers.Dense(32), layers.BatchNormalization()])
    backbone.trainable = False
    x = choice(layers.Dense(16)(backbone(inputs)))
    return keras.Model(inputs, layers.Dense(1)(x))


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize(
    "make", [functional, sequential, Subclassed, with_frozen_layers]
)
def test_a_planted_activation_is_found(make, order):
    model, (x, y) = relu_or_not(make)
    model(x[:2])
    search = DARTS(model, order=order)
    search.compile(SGD(0.02), Adam(0.1), loss="mse")
    search.fit((x[:200], y[:200]), (x[200:], y[200:]), epochs=12, verbose=0)
    choice = search.choices()["activation"]
    assert choice["chosen"] == "relu"
    assert choice["probabilities"]["relu"] > 0.8


def test_second_order_is_right_where_first_order_errs(capsys):
    """Figure 2 of the paper, as docs/own_model.md has it."""
    page = pathlib.Path(__file__).parents[2] / "docs" / "own_model.md"
    *_, code = re.findall(
        r"^```python\n(.*?)^```", page.read_text(), re.M | re.S
    )
    exec(compile(code, "own_model.md", "exec"), {})
    assert capsys.readouterr().out == "1 two\n2 one\n"


def test_several_inputs():
    first, second = keras.Input((FEATURES,)), keras.Input((3,))
    x = layers.Concatenate()([first, choice()(second)])
    model = keras.Model([first, second], layers.Dense(1)(x))
    search = DARTS(model, order=1)
    search.compile(loss="mse")
    data = [np.ones((8, FEATURES)), np.ones((8, 3))], np.ones(8)
    history = search.fit(data, data, batch_size=4, verbose=0).history
    assert np.isfinite(history["loss"]).all()


def test_dropout_and_half_precision():
    inputs = keras.Input((FEATURES,))
    form = {"dtype": "mixed_bfloat16"}
    candidates = [layers.Dense(8, **form), layers.Dropout(0.5, **form)]
    x = layers.Dense(8, **form)(inputs)
    x = LayerChoice(candidates, **form)(x)
    model = keras.Model(inputs, layers.Dense(3, dtype="float32")(x))
    search = DARTS(model, order=1)
    search.compile()
    random = np.random.default_rng(0)
    data = random.normal(size=(40, FEATURES)), random.integers(0, 3, 40)
    history = search.fit(data, data, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert "supernet_accuracy" in history


@pytest.mark.parametrize(
    ("units", "labels", "loss"),
    [
        (1, (40,), keras.losses.BinaryCrossentropy(from_logits=True)),
        (1, (40, 1), "binary_crossentropy"),
        (
            3,
            (40,),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        ),
        (3, (40, 1), "sparse_categorical_crossentropy"),
        (3, (40, 3), "binary_crossentropy"),
        (1, (40,), "hinge"),
        (1, (40,), "mse"),
    ],
)
def test_losses_and_class_weights_are_those_of_keras(units, labels, loss):
    inputs = keras.Input((FEATURES,))
    activation = (
        "softmax" if loss == "sparse_categorical_crossentropy" else None
    )
    activation = "sigmoid" if loss == "binary_crossentropy" else activation
    x = layers.Dense(units, activation)(choice()(inputs))
    model = keras.Model(inputs, x)
    random = np.random.default_rng(1)
    x = random.normal(size=(40, FEATURES)).astype("float32")
    y = random.integers(0, max(units, 2), labels)
    class_weight = {0: 1.0, 1: 5.0}
    model.compile(keras.optimizers.SGD(0.0), loss)
    expected = model.fit(
        x, y, batch_size=40, class_weight=class_weight, verbose=0
    ).history["loss"]
    search = DARTS(model, order=1)
    search.compile(SGD(0.0), Adam(0.0), loss, class_weight=class_weight)
    found = search.fit((x, y), (x, y), batch_size=40, verbose=0)
    np.testing.assert_allclose(found.history["loss"], expected, rtol=1e-5)
    expected = model.evaluate(x, y, verbose=0)
    found = search.evaluate(x, y, verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def of_sequences():
    inputs = keras.Input((None, FEATURES))
    return keras.Model(inputs, layers.Dense(3)(choice()(inputs)))


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 1)])
def test_class_weights_of_sequences_count_for_each_step(shape):
    model, random = of_sequences(), np.random.default_rng(0)
    x = random.normal(size=(4, 5, FEATURES)).astype("float32")
    y, rows = random.integers(0, 3, shape), random.uniform(size=4)
    search = DARTS(model, order=1)
    search.compile(SGD(0.0), Adam(0.0), class_weight={1: 5.0})
    found = search.fit((x, y, rows), (x, y, rows), verbose=0).history["loss"]
    y = y.reshape(4, 5)
    log = tf.nn.log_softmax(model(x)).numpy()
    losses = -np.take_along_axis(log, y[..., None], axis=2)[..., 0]
    weights = np.where(y == 1, 5.0, 1.0) * rows[:, None]
    np.testing.assert_allclose(found, np.mean(losses * weights), rtol=1e-5)


def of_two(make=lambda one, two: [one, two]):
    inputs = keras.Input((FEATURES,))
    x = choice()(inputs)
    outputs = make(layers.Dense(3, name="a")(x), layers.Dense(2, name="b")(x))
    return keras.Model(inputs, outputs)


def test_the_default_loss_of_several_outputs():
    model = of_two(lambda one, two: {"a": one, "b": two})
    x = np.random.default_rng(0).normal(size=(8, FEATURES)).astype("float32")
    y = {"b": np.arange(8) % 2, "a": np.arange(8) % 3}
    search = DARTS(model, order=1)
    search.compile(SGD(0.0), Adam(0.0))
    history = search.fit((x, y), (x, y), verbose=0).history
    outputs = model(x)
    right = [np.argmax(outputs[key], 1) == y[key] for key in "ab"]
    assert history["supernet_accuracy"][0] == pytest.approx(np.mean(right))


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (of_two, {"class_weight": {0: 2.0}}, "models with one output"),
        (
            of_sequences,
            {"class_weight": {"a": 2.0}},
            "must be a dict from class numbers to weights",
        ),
        (
            of_sequences,
            {"class_weight": [1.0, 2.0]},
            "must be a dict from class numbers to weights",
        ),
    ],
)
def test_options_are_refused_before_the_search(make, options, message):
    with pytest.raises(ValueError, match=message):
        DARTS(make(), order=1).compile(**options)


def with_stateful_layer():
    inputs = keras.Input(batch_shape=(4, 5, FEATURES))
    x = layers.LSTM(FEATURES, stateful=True, name="memory")(inputs)
    return keras.Model(inputs, choice()(x))


def with_equal_names():
    inputs = keras.Input((FEATURES,))
    blocks = [
        keras.Sequential([LayerChoice(dense_layers(), name="same")])
        for _ in range(2)
    ]
    return keras.Model(inputs, blocks[1](blocks[0](inputs)))


def dense_layers():
    return [layers.Dense(FEATURES), layers.Dense(FEATURES, "relu")]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (with_stateful_layer, "build memory with stateful=False"),
        (with_equal_names, "Two choices have the name 'same'"),
    ],
)
def test_models_are_refused_before_the_search(make, message):
    with pytest.raises(ValueError, match=message):
        DARTS(make(), order=1)


def square(y, outputs):
    return tf.square(y - outputs)[..., 0]


@pytest.mark.parametrize("loss", ["mse", square])
def test_masked_steps_do_not_count(loss):
    words = keras.Input((None,), dtype="int32")
    embedded = layers.Embedding(9, 4, mask_zero=True)(words)
    model = keras.Model(words, layers.Dense(1)(choice()(embedded)))
    x = np.array([[1, 2, 0, 0], [3, 4, 5, 0]])
    y = np.where(x == 0, 100.0, 1.0)[..., None].astype("float32")
    model.compile(loss=loss, metrics=["mae"])
    search = DARTS(model, order=1)
    search.compile(
        *(SGD(0.0), Adam(0.0), loss),
        metrics=["mae"],
        accuracy=lambda y, outputs: tf.abs(y - outputs)[..., 0],
    )
    expected = model.evaluate(x, y, verbose=0, return_dict=True)
    for found in (
        search.evaluate(x, y, verbose=0, return_dict=True),
        {k: v[0] for k, v in fit_once(search, x, y).items()},
    ):
        for name, value in expected.items():
            assert found[name] == pytest.approx(value, rel=1e-5)
        assert found["supernet_accuracy"] == pytest.approx(found["mae"])
    assert expected["loss"] < 100 > expected["mae"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"optimizer": "adam"},
            "give `weight_optimizer` and `alpha_optimizer`",
        ),
        ({"weighted_metrics": []}, "has no argument weighted_metrics"),
    ],
)
def test_arguments_of_keras_alone_are_refused(arguments, message):
    search = DARTS(functional(choice()), order=1)
    with pytest.raises(TypeError, match=message):
        search.compile(loss="mse", **arguments)


def fit_once(search, x, y):
    return search.fit((x, y), (x, y), shuffle=False, verbose=0).history


def plain():
    inputs = keras.Input((FEATURES,))
    return keras.Model(inputs, layers.Dense(1)(inputs))


def choice(**form):
    candidates = [layers.ReLU(**form), layers.Activation("tanh", **form)]
    return LayerChoice(candidates)


X = np.zeros((4, FEATURES))
Y = np.zeros((4, 1))


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: DARTS(plain()), "has nothing to choose: put a tfdarts.Layer"),
        (
            lambda: DARTS(keras.Sequential([keras.Input((3,)), choice()])),
            "has no trainable weights",
        ),
        (lambda: DARTS(Subclassed(choice())), "has no weights yet: call it"),
        (
            lambda: DARTS(Subclassed(InputChoice())),
            "has no weights yet: call it",
        ),
        (
            lambda: DARTS(functional(choice())).compile(
                keras.optimizers.Adam()
            ),
            "must be able to take a virtual step",
        ),
        (
            lambda: DARTS(functional(choice()), order=1).compile("muon"),
            "treats each weight apart",
        ),
        (
            lambda: DARTS(functional(choice())).genotype(),
            "Only a supernet of cells has a genotype",
        ),
        (lambda: fitted((X, Y), (X, Y[:3])), "the same number of rows"),
        (lambda: fitted((X, Y), None), "two tuples of arrays"),
        (lambda: fitted(X, Y), "two tuples of arrays"),
        (
            lambda: fitted(
                tf.data.Dataset.zip(
                    *[tf.data.Dataset.from_tensor_slices((X, Y[:, 0]))] * 2
                )
            ),
            "holds batches, not single examples: call its method `batch`",
        ),
        (
            lambda: DARTS(functional(choice())).compile(
                alpha_optimizer=keras.optimizers.LossScaleOptimizer(Adam())
            ),
            "`alpha_optimizer` must not be a LossScaleOptimizer",
        ),
        (
            lambda: DARTS(functional(choice(dtype="mixed_float16")), order=1),
            "computes in float16, whose gradients vanish without loss scaling",
        ),
        (
            lambda: DARTS(functional(choice(dtype="mixed_bfloat16"))),
            "The layer .* computes in bfloat16, which has too few digits",
        ),
        (
            lambda: fitted((X, Y), (X, Y), loss={"a": "mse", "b": "mse"}),
            "The model has one output, so `loss` must be one loss",
        ),
    ],
)
def test_what_is_refused(act, message):
    with pytest.raises(ValueError, match=message):
        act()


def fitted(*data, loss="mse"):
    search = DARTS(functional(choice()), order=1)
    search.compile(loss=loss)
    search.fit(*data, verbose=0)
