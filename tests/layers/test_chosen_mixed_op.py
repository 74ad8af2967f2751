"""`ChosenMixedOp` against the textbook's sum over all primitives."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from one_edge_mixed_op import OneEdgeMixedOp
from samples import image
from samples import scramble
from test_mixed_op import equation_2

from tfdarts.genotypes import PRIMITIVES
from tfdarts.layers.chosen_mixed_op import ChosenMixedOp
from tfdarts.layers.relaxations import StraightThrough
from tfdarts.models.cnn_supernet import CNNSupernet

CHOSEN = [
    [PRIMITIVES.index(name) for name in names]
    for names in (
        ("sep_conv_3x3", "max_pool_3x3", "none"),
        ("skip_connect", "dil_conv_5x5", "sep_conv_5x5"),
        ("avg_pool_3x3", "dil_conv_3x3", "dil_conv_3x3"),
    )
]


def one_hot(chosen):
    return tf.constant(np.eye(len(PRIMITIVES))[chosen])


def built(strides, filters=4):
    layer = ChosenMixedOp(3, filters, strides, dtype="float64")
    layer.build((None, 5, 6, filters), (3, len(PRIMITIVES)))
    scramble(layer)
    return layer


def edge_by_edge(chosen_op):
    """Returns the same operations with the same weights, all computed."""
    filters = chosen_op.filters
    plain = OneEdgeMixedOp(3, filters, chosen_op.strides, dtype="float64")
    plain.build((None, 5, 6, filters), (3, len(PRIMITIVES)))
    for edge, operations in enumerate(plain.edges):
        for name, operation in zip(PRIMITIVES, operations):
            source = chosen_op.operation_of(edge, name)
            operation.set_weights(source.get_weights())
    return plain


def outputs_and_gradients(layer, x, weights):
    """Returns outputs, gradients, and the statistics after the pass."""
    variables = layer.trainable_variables
    state = layer.non_trainable_variables

    def compute(x, weights, values, statistics):
        mapping = [*zip(variables, values), *zip(state, statistics)]
        with tf.GradientTape() as tape:
            tape.watch([x, weights, values])
            with keras.StatelessScope(mapping) as scope:
                outputs = layer(x, weights, training=True)
                moved = [scope.get_current_value(v) for v in state]
            loss = tf.reduce_sum(image(*outputs.shape, seed=3) * outputs)
        gradients = tape.gradient(
            loss, [x, weights, values], unconnected_gradients="zero"
        )
        return outputs, *gradients, moved

    values = [[v.value for v in each] for each in (variables, state)]
    return compute, (x, weights, *values)


@pytest.mark.parametrize(
    ("chosen", "strides", "compiled"),
    [
        (CHOSEN[0], 1, True),
        (CHOSEN[1], 2, True),
        (CHOSEN[2], 1, False),
    ],
)
def test_it_is_the_sum_with_one_hot_weights(chosen, strides, compiled):
    """In value and in the gradients of the inputs and chosen weights."""
    x, weights = tf.constant(image(2, 5, 6, 4)), one_hot(chosen)
    layer = built(strides)
    np.testing.assert_allclose(
        layer(x, weights, training=True),
        equation_2(layer, x.numpy(), weights.numpy()),
        atol=1e-9,
    )
    plain = edge_by_edge(layer)
    results = []
    for each in (layer, plain):
        compute, arguments = outputs_and_gradients(each, x, weights)
        if compiled:
            compute = tf.function(compute)
        results.append(compute(*arguments))
    (outputs, to_x, to_weights, own, moved), expected = results
    np.testing.assert_allclose(outputs, expected[0], atol=1e-12)
    np.testing.assert_allclose(to_x, expected[1], atol=1e-10)
    np.testing.assert_allclose(to_weights, expected[2] * weights, atol=1e-9)
    for variables, new in (
        (layer.trainable_variables, own),
        (layer.non_trainable_variables, moved),
    ):
        for variable, value in zip(variables, new, strict=True):
            variable.assign(value)
    by_id = {}
    for variables, new in (
        (plain.trainable_variables, expected[3]),
        (plain.non_trainable_variables, expected[4]),
    ):
        by_id |= {id(v): value for v, value in zip(variables, new)}
    for edge, operations in enumerate(plain.edges):
        for index, (name, operation) in enumerate(zip(PRIMITIVES, operations)):
            found = layer.operation_of(edge, name)
            assert len(found.weights) == len(operation.weights)
            for one, other in zip(
                found.trainable_variables, operation.trainable_variables
            ):
                np.testing.assert_allclose(one, by_id[id(other)], atol=1e-9)
            for one, other in zip(
                found.non_trainable_variables,
                operation.non_trainable_variables,
            ):
                if index == chosen[edge]:
                    np.testing.assert_allclose(one, by_id[id(other)], atol=1e-9)
                    assert not np.array_equal(one, other)
                else:
                    np.testing.assert_array_equal(one, other)


def test_outside_of_training_nothing_moves():
    layer = built(1)
    before = layer.get_weights()
    x, weights = tf.constant(image(2, 5, 6, 4)), one_hot(CHOSEN[0])
    expected = edge_by_edge(layer)(x, weights, training=False)
    np.testing.assert_allclose(layer(x, weights), expected, atol=1e-12)
    for one, other in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_random_layers_are_refused():
    with pytest.raises(ValueError, match="state .* of type .* random layer"):
        layer = ChosenMixedOp(1, 4, primitives=("noise", "skip_connect"))
        layer.build((None, 4, 4, 4), (1, 2))


def test_a_supernet_is_saved_with_it(tmp_path):
    supernet = CNNSupernet(
        *(2, 3, 3, (4, 4, 1)),
        num_nodes=1,
        relaxation=StraightThrough(seed=1),
        mixed_op=ChosenMixedOp,
    )
    supernet.save(tmp_path / "supernet.keras")
    loaded = keras.models.load_model(tmp_path / "supernet.keras")
    x = image(2, 4, 4, 1).astype("float32")
    np.testing.assert_array_equal(loaded(x), supernet(x))


def test_edges_have_their_own_initial_weights():
    keras.utils.set_random_seed(0)
    layer = ChosenMixedOp(2, 4)
    layer.build((None, 4, 4, 4), (2, 8))
    first, second = (
        layer.operation_of(edge, "sep_conv_3x3").get_weights()
        for edge in range(2)
    )
    assert not np.array_equal(first[0], second[0])
    assert np.abs(first[0]).max() <= 1 / 3  # PyTorch's, for 3x3 kernels.
