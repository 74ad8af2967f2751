"""The auxiliary skip connection of DARTS-."""

import numpy as np
import numpy_reference
import pytest
import tensorflow as tf
from samples import image

from tfdarts.genotypes import PRIMITIVES
from tfdarts.layers.auxiliary_skip import AuxiliarySkipMixedOp
from tfdarts.layers.mixed_op import MixedOp


def pair(strides):
    """The mixed operation with and without the skip, of equal weights."""
    shape, weights_shape = (None, 5, 4, 4), (2, len(PRIMITIVES))
    layers = [
        of(2, 4, strides, dtype="float64")
        for of in (AuxiliarySkipMixedOp, MixedOp)
    ]
    for layer in layers:
        layer.build(shape, weights_shape)
    for one, other in zip(*(layer.operations for layer in layers)):
        other.set_weights(one.get_weights())
    return layers


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_the_weighted_skip_is_added_to_each_edge(strides, weight):
    layer, plain = pair(strides)
    layer.skip_weight.assign(weight)
    x, edge_weights = image(2, 5, 4, 4), np.abs(image(2, len(PRIMITIVES)))
    added = layer(x, edge_weights, training=True) - plain(
        x, edge_weights, training=True
    )
    for edge, found in enumerate(np.split(added.numpy(), 2, axis=-1)):
        weights = [] if strides == 1 else layer.skip.weights_of(edge)[:2]
        skip = numpy_reference.primitive(
            "skip_connect", x, weights, strides, search=True
        )
        np.testing.assert_allclose(found, weight * skip, atol=1e-9)


@pytest.mark.parametrize("strides", [1, 2])
def test_without_weight_no_gradient_flows_through_the_skip(strides):
    layer, plain = pair(strides)
    layer.skip_weight.assign(0.0)
    x = tf.constant(image(2, 5, 4, 4))
    edge_weights = tf.constant(np.abs(image(2, len(PRIMITIVES))))
    gradients = []
    for each in (layer, plain):
        with tf.GradientTape() as tape:
            tape.watch([x, edge_weights])
            value = tf.reduce_sum(tf.sin(each(x, edge_weights, training=True)))
        gradients.append(tape.gradient(value, [x, edge_weights]))
    for one, other in zip(*gradients):
        np.testing.assert_allclose(one, other, atol=1e-12)


def test_no_optimizer_changes_the_weight_of_the_skip():
    layer, _ = pair(2)
    paths = [variable.path for variable in layer.trainable_variables]
    assert layer.skip_weight.path not in paths
    assert float(layer.skip_weight) == 1.0
