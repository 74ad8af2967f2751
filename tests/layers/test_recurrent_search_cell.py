"""The search cell of a recurrent network against NumPy, primitive by
primitive, and its moving statistics.
"""

import keras
import numpy as np
import numpy_recurrent
import pytest
import tensorflow as tf

from tfdarts import genotypes
from tfdarts.layers.recurrent_search_cell import RecurrentSearchCell
from tfdarts.layers.recurrent_search_cell import SearchRNN

BATCH, STEPS, FEATURES, UNITS, NODES = 4, 3, 2, 3, 4


def built(**arguments):
    """A layer in float64 with larger weights than the initial ones."""
    cell = RecurrentSearchCell(UNITS, NODES, dtype="float64", **arguments)
    layer = SearchRNN(cell, dtype="float64")
    layer.build((None, STEPS, FEATURES))
    random = np.random.default_rng(1)
    for weight in (*layer.trainable_weights, cell.alphas.alpha):
        weight.assign(random.normal(size=weight.shape))
    return layer


def inputs(steps=STEPS):
    random = np.random.default_rng(2)
    return (
        random.normal(size=(BATCH, steps, FEATURES)),
        random.normal(size=(BATCH, UNITS)),
    )


def arrays(layer):
    """Kernels, and alphas."""
    kernels = [w.numpy() for w in layer.trainable_weights]
    alphas = layer.cell.alphas.alpha.numpy()
    assert alphas.shape == layer.cell.space.alpha_shape
    return kernels, alphas


def expected_of(layer, xs, h, kernels, alphas, mask=1.0):
    batch_norm = numpy_recurrent.BatchNorm(UNITS)

    def step(x, h):
        return numpy_recurrent.search_step(
            layer.cell.space.primitives,
            *(alphas, x, h, kernels, batch_norm, mask),
        )

    return *numpy_recurrent.sequence(step, xs, h), batch_norm


@pytest.mark.parametrize("rate", [0.0, 0.5])
def test_every_edge_and_primitive(rate, monkeypatch):
    layer = built(recurrent_dropout=rate, seed=5)
    xs, h = inputs()
    mask = np.ones_like(h)
    if rate:
        random = np.random.default_rng(6)
        mask = 2.0 * random.integers(0, 2, h.shape)
        monkeypatch.setattr(
            layer.cell, "_create_dropout_mask", lambda *_: tf.constant(mask)
        )
    kernels, alphas = arrays(layer)
    outputs, state = layer(xs, initial_state=tf.constant(h), training=True)
    expected, last, _ = expected_of(layer, xs, h, kernels, alphas, mask)
    np.testing.assert_allclose(outputs, expected, atol=1e-10)
    np.testing.assert_allclose(state, last, atol=1e-10)


def test_gradients_of_weights_and_alphas():
    layer = built()
    xs, h = inputs()
    sought = np.random.default_rng(3).normal(size=(BATCH, STEPS, UNITS))
    variables = [*layer.trainable_weights, layer.cell.alphas.alpha]
    with tf.GradientTape() as tape:
        tape.watch(layer.cell.alphas.alpha.value)
        outputs, _ = layer(xs, initial_state=tf.constant(h), training=True)
        loss = tf.reduce_sum(outputs * sought)
    gradients = tape.gradient(loss, variables)
    kernels, alphas = arrays(layer)

    def numpy_loss():
        return np.sum(expected_of(layer, xs, h, kernels, alphas)[0] * sought)

    expected = numpy_recurrent.numeric_gradient(numpy_loss, [*kernels, alphas])
    for gradient, numeric in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(gradient, numeric, rtol=1e-4, atol=1e-5)


def test_the_statistics_of_all_nodes_and_steps_move_one_batch_norm():
    layer = built()
    xs, h = inputs()
    *_, batch_norm = expected_of(layer, xs, h, *arrays(layer))
    layer(xs, initial_state=tf.constant(h), training=True)
    cell = layer.cell
    np.testing.assert_allclose(cell.moving_mean, batch_norm.mean, atol=1e-12)
    np.testing.assert_allclose(
        cell.moving_variance, batch_norm.variance, atol=1e-12
    )
    # Tests use them, and leave them.
    before = cell.moving_mean.numpy()
    alone = layer(xs[:1])[0]
    together = layer(xs)[0]
    np.testing.assert_allclose(alone[0], together[0], atol=1e-12)
    np.testing.assert_array_equal(cell.moving_mean, before)


def test_a_stateless_call_moves_nothing_but_returns_it():
    layer = built()
    xs, h = inputs()
    trainable = [w.value for w in layer.trainable_variables]
    state = [w.value for w in layer.non_trainable_variables]
    before = [np.array(value) for value in state]

    @tf.function
    def call():
        return layer.stateless_call(
            trainable, state, xs, initial_state=tf.constant(h), training=True
        )

    (outputs, _), new = call()
    for variable, value in zip(layer.non_trainable_variables, before):
        np.testing.assert_array_equal(variable, value)
    layer(xs, initial_state=tf.constant(h), training=True)
    for variable, value in zip(layer.non_trainable_variables, new):
        np.testing.assert_allclose(variable, value, atol=1e-12)
    assert outputs.shape == (BATCH, STEPS, UNITS)


def test_one_hot_alphas_are_the_derived_cell():
    """With the batch norm held still by statistics of nothing."""
    layer = built(epsilon=0.0)
    cell = layer.cell
    cell.moving_mean.assign(np.zeros(UNITS))
    cell.moving_variance.assign(np.ones(UNITS))
    genotype = cell.space.sample(0)
    alphas = np.full(cell.space.alpha_shape, -1e3)
    alphas[:, cell.space.primitives.index("none")] = 0
    for node, (name, source) in enumerate(genotype.recurrent, 1):
        edge = cell.space.edges.index((node, source))
        alphas[edge] = -1e3
        alphas[edge, cell.space.primitives.index(name)] = 0
    cell.alphas.alpha.assign(alphas)
    xs, h = inputs()
    kernels, _ = arrays(layer)

    def step(x, h):
        return numpy_recurrent.derived_step(genotype, x, h, kernels)

    expected, _ = numpy_recurrent.sequence(step, xs, h)
    outputs, _ = layer(xs, initial_state=tf.constant(h))
    np.testing.assert_allclose(outputs, expected, atol=1e-10)


def test_where_primitives_are_few():
    layer = SearchRNN(RecurrentSearchCell(UNITS, 2, ("relu", "none")))
    assert layer(np.ones((2, 3, 5), "float32"))[0].shape == (2, 3, UNITS)
    assert layer.cell.alphas.alpha.shape == (3, 2)


def test_it_is_no_python_loop():
    layer = built()

    def nodes(steps):
        spec = tf.TensorSpec((2, steps, FEATURES), "float64")
        call = tf.function(lambda xs: layer(xs, training=True)[0])
        graph = call.get_concrete_function(spec).graph
        return len(graph.as_graph_def().node)

    assert nodes(4) == nodes(40)


def test_config_and_file(tmp_path):
    layer = built(recurrent_dropout=0.25)
    sequences = keras.Input((None, FEATURES), dtype="float64")
    model = keras.Model(sequences, layer(sequences))
    xs, _ = inputs()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(xs)[0], model(xs)[0])
    assert loaded.layers[-1].cell.recurrent_dropout == 0.25


def test_its_space_is_that_of_its_nodes():
    cell = RecurrentSearchCell(UNITS)
    assert cell.alphas.alpha.shape == (36, 5)
    derived = cell.space.derive({"recurrent": cell.alphas.probabilities()})
    assert len(derived.recurrent) == 8
    assert genotypes.get("DARTS_V1", "rnn") in cell.space
