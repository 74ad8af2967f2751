"""The mixed operation against equation 2 in NumPy."""

import keras
import numpy as np
import numpy_reference
import pytest
import tensorflow as tf
from samples import image

from tfdarts.genotypes import PRIMITIVES
from tfdarts.layers.alphas import Alphas
from tfdarts.layers.mixed_op import MixedOp


def softmax(alphas):
    exponentials = np.exp(alphas)
    return exponentials / exponentials.sum(-1, keepdims=True)


def equation_2(mixed_op, x, edge_weights):
    """Every primitive in NumPy, weighed and summed; a list of edges."""
    return [
        sum(
            weight
            * numpy_reference.primitive(
                name,
                x,
                operation.trainable_weights,
                mixed_op.strides,
                search=True,
            )
            for name, weight, operation in zip(
                mixed_op.primitives, weights, operations, strict=True
            )
        )
        for weights, operations in zip(
            edge_weights, mixed_op.edges, strict=True
        )
    ]


@pytest.mark.parametrize("primitives", [PRIMITIVES, PRIMITIVES[::-2]])
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("size", [(4, 6), (5, 3)])
def test_weighted_sum_on_each_edge(size, strides, primitives):
    x = image(2, *size, 4)
    weights = softmax(image(3, len(primitives)))
    layer = MixedOp(3, 4, strides, primitives, dtype="float64")
    outputs = layer(x, weights, training=True)
    for output, expected in zip(
        outputs, equation_2(layer, x, weights), strict=True
    ):
        np.testing.assert_allclose(output, expected, atol=1e-9)
    shapes = layer.compute_output_shape(x.shape)
    assert shapes == [tuple(output.shape) for output in outputs]


@pytest.mark.parametrize("strides", [1, 2])
def test_one_hot_weights_choose_the_operation(strides):
    x = image(2, 5, 4, 4)
    layer = MixedOp(1, 4, strides, dtype="float64")
    for position, name in enumerate(PRIMITIVES):
        weights = np.eye(len(PRIMITIVES))[[position]]
        outputs = layer(x, weights, training=True)
        operation = layer.edges[0][position]
        expected = numpy_reference.primitive(
            name, x, operation.trainable_weights, strides, search=True
        )
        np.testing.assert_allclose(outputs, expected, atol=1e-9)


def test_alone_it_weighs_by_alphas_of_its_own():
    x = image(2, 4, 4, 4).astype("float32")
    layer = MixedOp(1, 4)
    layer.build(x.shape)
    assert isinstance(layer.alphas, Alphas)
    assert layer.alphas.alpha.shape == (1, 8)
    alphas = image(1, 8)
    layer.alphas.alpha.assign(alphas)
    outputs = layer(x, training=True)
    assert tuple(outputs.shape) == layer.compute_output_shape(x.shape)
    (expected,) = equation_2(layer, x, softmax(alphas))
    np.testing.assert_allclose(outputs, expected, atol=1e-4)


def test_given_weights_it_has_no_alphas():
    layer = MixedOp(2, 4, primitives=("none", "sep_conv_3x3"))
    layer(image(1, 4, 4, 4), np.ones((2, 2)) / 2)
    assert layer.alphas is None
    assert {tuple(w.shape) for w in layer.trainable_weights} == {
        (3, 3, 4, 1),
        (1, 1, 4, 4),
    }


def test_keras_trains_its_alphas():
    inputs = keras.Input((4, 4, 4))
    layer = MixedOp(1, 4, primitives=("skip_connect", "max_pool_3x3"))
    model = keras.Model(inputs, layer(inputs))
    model.compile(keras.optimizers.SGD(1.0), "mse", run_eagerly=True)
    x = image(8, 4, 4, 4).astype("float32")
    model.fit(x, x, epochs=20, verbose=0)
    skip, pool = layer.alphas.edge_weights().numpy()[0]
    assert skip > 0.8 > 0.2 > pool


@pytest.mark.parametrize("strides", [1, 2])
def test_alpha_gradient_is_the_numeric_one(strides):
    x = image(2, 5, 4, 3)
    layer = MixedOp(1, 3, strides, dtype="float64")
    factors = image(*layer.compute_output_shape(x.shape), seed=1)

    def loss(alphas):
        outputs = layer(x, tf.nn.softmax(alphas), training=True)
        return tf.reduce_sum(factors * tf.tanh(outputs))

    alphas = tf.constant(image(1, 8, seed=2))
    with tf.GradientTape() as tape:
        tape.watch(alphas)
        value = loss(alphas)
    steps = 1e-5 * np.eye(8)[:, None]
    numeric = [(loss(alphas + s) - loss(alphas - s)) / 2e-5 for s in steps]
    np.testing.assert_allclose(
        tape.gradient(value, alphas)[0], numeric, rtol=1e-6, atol=1e-8
    )


def test_wrong_channels_are_refused():
    with pytest.raises(ValueError, match="as many channels.*filters, 4"):
        MixedOp(1, 4)(image(1, 4, 4, 3))


def test_none_alone_is_refused():
    with pytest.raises(ValueError, match="besides 'none'"):
        MixedOp(1, 4, primitives=("none",))
