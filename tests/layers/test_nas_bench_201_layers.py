"""The layers of NAS-Bench-201 against NumPy."""

import numpy as np
import pytest
from numpy_reference import batch_norm
from numpy_reference import conv
from numpy_reference import relu
from samples import image
from samples import scramble

from tfdarts.layers.nas_bench_201_layers import ResidualReduction
from tfdarts.layers.primitives import primitive


def relu_conv_bn(x, weights, strides=1, affine=True):
    kernel = next(weights)
    padding = kernel.shape[0] // 2
    x = conv(relu(x), kernel, strides=strides, padding=padding)
    return batch_norm(x, weights if affine else None)


def weights_of(layer):
    return (weight.numpy() for weight in layer.trainable_weights)


@pytest.mark.parametrize("search", [False, True])
@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("strides", [1, 2])
def test_a_convolution_is_the_reference(size, search, strides):
    x = image(2, 7, 6, 4)
    name = f"nor_conv_{size}x{size}"
    layer = primitive(name, 4, strides, search=search, dtype="float64")
    layer.build(x.shape)
    scramble(layer)
    expected = relu_conv_bn(x, weights_of(layer), strides, affine=not search)
    np.testing.assert_allclose(layer(x, training=True), expected, rtol=1e-9)


def test_the_residual_block_is_the_reference():
    x = image(2, 8, 6, 4)
    layer = ResidualReduction(6, dtype="float64")
    layer.build(x.shape)
    scramble(layer)
    weights = weights_of(layer)
    inner = relu_conv_bn(relu_conv_bn(x, weights, strides=2), weights)
    corners = [x[:, i::2, j::2] for i in (0, 1) for j in (0, 1)]
    shortcut = conv(np.mean(corners, axis=0), next(weights))
    assert next(weights, None) is None
    np.testing.assert_allclose(
        layer(x, training=True), inner + shortcut, rtol=1e-9, atol=1e-9
    )
    assert layer.compute_output_shape(x.shape) == (2, 4, 3, 6)
