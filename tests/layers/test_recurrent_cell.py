"""The recurrent cell of a genotype against NumPy, and its masks."""

import keras
import numpy as np
import numpy_recurrent
import pytest
import tensorflow as tf

from tfdarts import genotypes
from tfdarts.genotypes import Genotype
from tfdarts.layers.recurrent_cell import RecurrentCell

BATCH, STEPS, FEATURES, UNITS = 3, 5, 2, 4
NAMES = genotypes.published_names("rnn")


# The last node keeps all of its edges, one of them "none", the second nothing.
SEVERAL_EDGES = Genotype(
    recurrent=[
        [("tanh", 0)],
        [("none", 1)],
        [("relu", 0), ("none", 1), ("sigmoid", 2), ("identity", 1)],
    ],
    recurrent_concat=[1, 2, 3],
)


def genotype_of(name):
    return SEVERAL_EDGES if name == "several" else genotypes.get(name, "rnn")


def built(name="DARTS_V2", **arguments):
    """A layer in float64 with larger weights than the initial ones."""
    cell = RecurrentCell(genotype_of(name), UNITS, dtype="float64", **arguments)
    layer = keras.layers.RNN(
        cell, return_sequences=True, return_state=True, dtype="float64"
    )
    layer.build((None, STEPS, FEATURES))
    random = np.random.default_rng(1)
    for weight in layer.trainable_weights:
        weight.assign(random.normal(size=weight.shape))
    return layer


def inputs(steps=STEPS):
    random = np.random.default_rng(2)
    return (
        random.normal(size=(BATCH, steps, FEATURES)),
        random.normal(size=(BATCH, UNITS)),
    )


@pytest.mark.parametrize("name", [*NAMES, "several"])
def test_cells_step_by_step(name):
    layer = built(name)
    xs, h = inputs()
    outputs, state = layer(xs, initial_state=tf.constant(h))
    kernels = [w.numpy() for w in layer.trainable_weights]
    genotype = genotype_of(name)

    def step(x, h):
        return numpy_recurrent.derived_step(genotype, x, h, kernels)

    expected, last = numpy_recurrent.sequence(step, xs, h)
    np.testing.assert_allclose(outputs, expected, atol=1e-12)
    np.testing.assert_allclose(state, last, atol=1e-12)


@pytest.mark.parametrize("name", [*NAMES, "several"])
def test_gradients(name):
    layer = built(name)
    xs, h = inputs()
    sought = np.random.default_rng(3).normal(size=(BATCH, STEPS, UNITS))
    with tf.GradientTape() as tape:
        outputs, _ = layer(xs, initial_state=tf.constant(h))
        loss = tf.reduce_sum(outputs * sought)
    gradients = tape.gradient(loss, layer.trainable_weights)
    kernels = [w.numpy() for w in layer.trainable_weights]
    genotype = genotype_of(name)

    def step(x, h):
        return numpy_recurrent.derived_step(genotype, x, h, kernels)

    def numpy_loss():
        return np.sum(numpy_recurrent.sequence(step, xs, h)[0] * sought)

    expected = numpy_recurrent.numeric_gradient(numpy_loss, kernels)
    for gradient, numeric in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(gradient, numeric, rtol=1e-5, atol=1e-7)


def test_every_primitive_is_the_function_of_its_name():
    for name in genotypes.RECURRENT_PRIMITIVES[1:]:
        genotype = Genotype(recurrent=[(name, 0)], recurrent_concat=[1])
        cell = RecurrentCell(genotype, UNITS, dtype="float64")
        xs, h = inputs(1)
        output, _ = cell(tf.constant(xs[:, 0]), [tf.constant(h)])
        kernels = [w.numpy() for w in cell.trainable_weights]
        expected = numpy_recurrent.derived_step(genotype, xs[:, 0], h, kernels)
        np.testing.assert_allclose(output, expected, atol=1e-12)


def test_one_pass_equals_two_halves_with_the_state_carried():
    layer = built()
    xs, h = inputs(6)
    whole, end = layer(xs, initial_state=tf.constant(h))
    first, state = layer(xs[:, :2], initial_state=tf.constant(h))
    second, state = layer(xs[:, 2:], initial_state=state)
    np.testing.assert_allclose(
        np.concatenate([first, second], 1), whole, atol=1e-12
    )
    np.testing.assert_allclose(state, end, atol=1e-12)


def test_the_state_begins_with_zeros():
    layer = built()
    xs, _ = inputs()
    zeros = tf.zeros((BATCH, UNITS), "float64")
    np.testing.assert_array_equal(
        layer(xs)[0], layer(xs, initial_state=zeros)[0]
    )


def test_one_mask_a_sequence_on_the_state_and_on_all_nodes(monkeypatch):
    layer = built(recurrent_dropout=0.5, seed=7)
    xs, h = inputs()
    masks = []
    cell = layer.cell
    draw = cell._create_dropout_mask

    def noted(state, rate):
        masks.append(draw(state, rate))
        return masks[-1]

    monkeypatch.setattr(cell, "_create_dropout_mask", noted)
    outputs, _ = layer(xs, initial_state=tf.constant(h), training=True)
    (mask,) = masks
    mask = mask.numpy()
    assert {*np.unique(mask)} == {0.0, 2.0} and mask.shape == h.shape
    kernels = [w.numpy() for w in layer.trainable_weights]
    genotype = genotypes.get("DARTS_V2", "rnn")

    def step(x, h):
        return numpy_recurrent.derived_step(genotype, x, h, kernels, mask)

    expected, _ = numpy_recurrent.sequence(step, xs, h)
    np.testing.assert_allclose(outputs, expected, atol=1e-12)
    layer(xs, training=True)
    assert len(masks) == 2 and np.any(masks[1] != masks[0])


def test_one_mask_a_sequence_on_the_inputs():
    layer = built(dropout=0.5, seed=3)
    xs = np.ones((BATCH, STEPS, FEATURES))
    outputs, _ = layer(xs, training=True)
    masks = {
        tuple(bits): np.array(bits, "float64").reshape(BATCH, FEATURES)
        for bits in np.ndindex((2,) * (BATCH * FEATURES))
    }
    same = [
        bits
        for bits, mask in masks.items()
        if np.allclose(outputs, layer(2 * xs * mask[:, None])[0], atol=1e-12)
    ]
    assert len(same) == 1 and 0 < sum(same[0]) < BATCH * FEATURES


def test_nothing_is_left_out_in_tests():
    xs, _ = inputs()
    dropping = built(dropout=0.5, recurrent_dropout=0.5)
    np.testing.assert_array_equal(dropping(xs)[0], built()(xs)[0])


def test_it_is_no_python_loop():
    layer = built()
    graphs = [
        tf.function(lambda xs: layer(xs)[0])
        .get_concrete_function(tf.TensorSpec((2, steps, FEATURES), "float64"))
        .graph
        for steps in (5, 50)
    ]
    sizes = [len(graph.as_graph_def().node) for graph in graphs]
    assert sizes[0] == sizes[1]


def test_config_and_file(tmp_path):
    layer = built("ENAS", dropout=0.1, recurrent_dropout=0.2, seed=1)
    model = keras.Sequential([keras.Input((None, FEATURES)), layer])
    xs, _ = inputs()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(xs)[0], model(xs)[0])
    cell = loaded.layers[-1].cell
    assert cell.genotype == genotypes.get("ENAS", "rnn")
    assert (cell.dropout, cell.recurrent_dropout) == (0.1, 0.2)


def test_a_convolutional_genotype_is_refused():
    with pytest.raises(ValueError, match="holds convolutional cells.*DARTS_V2"):
        RecurrentCell(genotypes.get("DARTS_V2"), UNITS)
