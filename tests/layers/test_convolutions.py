"""What the convolutional primitives have beyond their place in the table."""

import keras
import numpy as np
import numpy_reference
import pytest
from samples import image
from samples import scramble

from tfdarts.layers.convolutions import FactorizedReduce
from tfdarts.layers.convolutions import ReLUConvBN
from tfdarts.layers.convolutions import SepConv
from tfdarts.layers.convolutions import conv
from tfdarts.layers.convolutions import separable_conv
from tfdarts.layers.convolutions import uniform_fan_in
from tfdarts.layers.primitives import primitive as new_layer
from tfdarts.primitive_table import primitive_names


@pytest.mark.parametrize("filters", [2, 5, 8])
@pytest.mark.parametrize("size", [(4, 6), (5, 3)])
def test_preprocessing_is_the_reference(filters, size):
    """With other channels out than in, and an odd number of them."""
    x = image(2, *size, 3)
    for layer, reference in (
        (ReLUConvBN, numpy_reference.relu_conv_bn),
        (FactorizedReduce, numpy_reference.factorized_reduce),
    ):
        layer = layer(filters, dtype="float64")
        layer.build(x.shape)
        scramble(layer)
        expected = reference(
            x, (w.numpy() for w in layer.trainable_weights), affine=True
        )
        np.testing.assert_allclose(layer(x, training=True), expected, atol=1e-9)
        assert layer.compute_output_shape(x.shape) == expected.shape


def test_second_branch_of_factorized_reduce_begins_at_pixel_1_1():
    """Inference; batch norm's first statistics only divide by almost 1."""
    layer = FactorizedReduce(2, affine=False)
    x = np.arange(1.0, 26.0, dtype="float32").reshape(1, 5, 5, 1)
    layer.build(x.shape)
    layer.set_weights(
        [np.ones_like(w) if w.ndim == 4 else w for w in layer.get_weights()]
    )
    even, odd = np.moveaxis(np.asarray(layer(x))[0], -1, 0)
    np.testing.assert_allclose(
        even, [[1, 3, 5], [11, 13, 15], [21, 23, 25]], rtol=1e-4
    )
    np.testing.assert_allclose(
        odd, [[7, 9, 0], [17, 19, 0], [0, 0, 0]], rtol=1e-4
    )


@pytest.mark.parametrize("kernel_size", [3, 5, 7])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("size", [(6, 8), (7, 5)])
def test_strided_separable_conv_is_a_part_of_the_whole(
    kernel_size, dilation, size
):
    x = image(1, *size, 3).astype("float32")
    whole, strided = (
        keras.Sequential(
            separable_conv(4, kernel_size, strides, dilation, None)
        )
        for strides in (1, 2)
    )
    expected = np.asarray(whole(x))[:, ::2, ::2]
    strided.build(x.shape)
    strided.set_weights(whole.get_weights())
    np.testing.assert_allclose(strided(x), expected, atol=1e-5)


def test_initial_values_are_pytorchs():
    """U(-1/√n, 1/√n), n not divided by the groups of a depthwise kernel."""
    layers = separable_conv(64, 3, 1, 1, None) + [conv(64, 3)]
    depthwise, pointwise, dense = (
        weight.numpy()
        for layer in layers
        for weight in (layer.build((None, 8, 8, 64)), layer.weights)[1]
    )
    for kernel, fan_in in (
        (depthwise, 64 * 9),
        (pointwise, 64),
        (dense, 64 * 9),
    ):
        bound = fan_in**-0.5
        assert np.abs(kernel).max() == pytest.approx(bound, rel=0.02)
        assert kernel.std() == pytest.approx(bound / 3**0.5, rel=0.1)
    values = uniform_fan_in(seed=1)((1, 1, 4, 4))
    np.testing.assert_array_equal(values, uniform_fan_in(seed=1)((1, 1, 4, 4)))


def test_refusals():
    with pytest.raises(ValueError, match="`strides` must be 1 or 2.*=3"):
        SepConv(4, 3, strides=3)
    with pytest.raises(ValueError, match="`filters` must be at least 2"):
        FactorizedReduce(1)


@pytest.mark.parametrize("size", [(6, 8), (7, 5)])
def test_a_strided_conv_of_one_pixel_reads_every_second_pixel(size):
    """As does a convolution of stride 1 on those pixels alone."""
    x = image(1, *size, 3).astype("float32")
    layer = ReLUConvBN(4, strides=2)
    layer.build(x.shape)
    scramble(layer)
    expected = numpy_reference.relu_conv_bn(
        x[:, ::2, ::2],
        (w.numpy() for w in layer.trainable_weights),
        affine=True,
    )
    np.testing.assert_allclose(layer(x, training=True), expected, atol=1e-5)


@pytest.mark.parametrize("name", primitive_names("cnn"))
def test_no_primitive_has_a_strided_conv_of_one_pixel(name):
    layer = new_layer(name, 4, strides=2)
    layer.build((None, 8, 8, 4))
    for part in layer._flatten_layers():
        if isinstance(part, keras.layers.Conv2D):
            assert max(part.kernel_size) > 1 or max(part.strides) == 1
