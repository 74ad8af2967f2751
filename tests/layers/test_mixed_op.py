"""The mixed operation against equation 2 in NumPy."""

import keras
import numpy as np
import numpy_reference
import pytest
import tensorflow as tf
from one_edge_mixed_op import OneEdgeMixedOp
from samples import image
from samples import scramble

from tfdarts.genotypes import PRIMITIVES
from tfdarts.layers.alphas import Alphas
from tfdarts.layers.edge_functions import FEW_FILTERS
from tfdarts.layers.mixed_op import MixedOp


def softmax(alphas):
    exponentials = np.exp(alphas)
    return exponentials / exponentials.sum(-1, keepdims=True)


def equation_2(mixed_op, x, edge_weights):
    """Every primitive in NumPy, weighed and summed, edge beside edge."""
    return np.concatenate(
        [
            sum(
                weight
                * numpy_reference.primitive(
                    name,
                    x,
                    mixed_op.operation_of(edge, name).trainable_weights,
                    mixed_op.strides,
                    search=True,
                )
                for name, weight in zip(
                    mixed_op.primitives, weights, strict=True
                )
            )
            for edge, weights in enumerate(edge_weights)
        ],
        axis=-1,
    )


@pytest.mark.parametrize(
    "primitives",
    [PRIMITIVES, PRIMITIVES[::-2], ("sep_conv_7x7", "conv_7x1_1x7")],
)
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("size", [(4, 6), (5, 3)])
def test_weighted_sum_on_each_edge(size, strides, primitives):
    x = image(2, *size, 4)
    weights = softmax(image(3, len(primitives)))
    layer = MixedOp(3, 4, strides, primitives, dtype="float64")
    outputs = layer(x, weights, training=True)
    expected = equation_2(layer, x, weights)
    np.testing.assert_allclose(outputs, expected, atol=1e-9)
    assert layer.compute_output_shape(x.shape) == expected.shape


def pair(num_edges, filters, strides, shape):
    """The bundle, and the same edges one by one with the same weights."""
    bundle = MixedOp(num_edges, filters, strides, dtype="float64")
    plain = OneEdgeMixedOp(num_edges, filters, strides, dtype="float64")
    for layer in (bundle, plain):
        layer.build(shape, (num_edges, len(PRIMITIVES)))
    scramble(bundle)
    for edge, operations in enumerate(plain.edges):
        for name, operation in zip(PRIMITIVES, operations):
            source = bundle.operation_of(edge, name)
            operation.set_weights(source.get_weights())
    return bundle, plain


def gradients(layer, x, weights):
    """Outputs, and gradients of inputs, edge weights and all kernels."""
    with tf.GradientTape() as tape:
        tape.watch([x, weights])
        outputs = layer(x, weights, training=True)
        factors = image(*outputs.shape, seed=3)
        loss = tf.reduce_sum(factors * tf.sin(outputs))
    variables = [v.value for v in layer.trainable_variables]
    first, second, kernels = tape.gradient(loss, (x, weights, variables))
    return outputs, first, second, kernels


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize(
    ("num_edges", "filters", "size"),
    [(1, 3, (5, 4)), (3, 4, (4, 6)), (2, FEW_FILTERS + 1, (3, 4))],
)
def test_bundle_is_its_edges_one_by_one(num_edges, filters, size, strides):
    """In value and in every gradient; the moving statistics move alike."""
    x = tf.constant(image(2, *size, filters))
    weights = tf.constant(softmax(image(num_edges, len(PRIMITIVES))))
    bundle, plain = pair(num_edges, filters, strides, x.shape)
    *results, kernels = gradients(bundle, x, weights)
    *expected, plain_kernels = gradients(plain, x, weights)
    for one, other in zip(results, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)

    for edge, operations in enumerate(plain.edges):
        for name, operation in zip(PRIMITIVES, operations):
            moved = bundle.operation_of(edge, name).get_weights()
            for one, other in zip(moved, operation.get_weights(), strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-9)

    # The kernels' gradients, brought into the edges' form as kernels are.
    for variable, gradient in zip(bundle.trainable_variables, kernels):
        variable.assign(gradient)
    plain_kernels = iter(plain_kernels)
    for edge, operations in enumerate(plain.edges):
        for name, operation in zip(PRIMITIVES, operations):
            layer = bundle.operation_of(edge, name)
            for gradient in layer.trainable_variables:
                np.testing.assert_allclose(
                    gradient, next(plain_kernels), rtol=1e-8, atol=1e-9
                )
    assert next(plain_kernels, None) is None


@pytest.mark.parametrize("strides", [1, 2])
def test_initial_kernels_are_those_of_an_edge_by_itself(strides):
    """Uniform up to 1 / sqrt(input channels times kernel size)."""
    bundle = MixedOp(3, 40, strides)
    bundle.build((None, 4, 4, 40), (3, len(PRIMITIVES)))
    plain = OneEdgeMixedOp(1, 40, strides)
    plain.build((None, 4, 4, 40), (1, len(PRIMITIVES)))
    for name, operation in zip(PRIMITIVES, plain.edges[0]):
        own = bundle.operation_of(2, name)
        for one, other in zip(
            own.trainable_weights, operation.trainable_weights, strict=True
        ):
            assert one.shape == other.shape
            one, other = np.abs(one), np.abs(other)
            assert one.max() == pytest.approx(other.max(), rel=0.03)
            assert one.mean() == pytest.approx(one.max() / 2, rel=0.1)


@pytest.mark.parametrize("strides", [1, 2])
def test_one_hot_weights_choose_the_operation(strides):
    x = image(2, 5, 4, 4)
    layer = MixedOp(1, 4, strides, dtype="float64")
    for position, name in enumerate(PRIMITIVES):
        weights = np.eye(len(PRIMITIVES))[[position]]
        outputs = layer(x, weights, training=True)
        operation = layer.operation_of(0, name)
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
    expected = equation_2(layer, x, softmax(alphas))
    np.testing.assert_allclose(outputs, expected, atol=1e-4)


def test_given_weights_it_has_no_alphas():
    layer = MixedOp(2, 4, primitives=("none", "sep_conv_3x3"))
    layer(image(1, 4, 4, 4), np.ones((2, 2)) / 2)
    assert layer.alphas is None
    assert {tuple(w.shape) for w in layer.trainable_weights} == {
        (3, 3, 2 * 4, 1),
        (2, 4, 1, 4),
    }


def test_keras_trains_no_alpha():
    """Only a search does; see tests/conformance/test_planted_operation.py."""
    inputs = keras.Input((4, 4, 4))
    layer = MixedOp(1, 4, primitives=("skip_connect", "dil_conv_3x3"))
    model = keras.Model(inputs, layer(inputs))
    alphas, kernel = layer.alphas.alpha.numpy(), layer.get_weights()[0]
    model.compile(keras.optimizers.SGD(1.0), "mse", run_eagerly=True)
    x = image(8, 4, 4, 4).astype("float32")
    model.fit(x, x, verbose=0)
    np.testing.assert_array_equal(layer.alphas.alpha, alphas)
    assert not np.array_equal(layer.get_weights()[0], kernel)


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


def test_what_cannot_be_searched_is_refused():
    with pytest.raises(ValueError, match="no primitive named 'conv_9x9'"):
        MixedOp(1, 4, primitives=("none", "conv_9x9"))


def test_none_alone_is_refused():
    with pytest.raises(ValueError, match="besides 'none'"):
        MixedOp(1, 4, primitives=("none",))
