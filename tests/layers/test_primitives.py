"""Each primitive against NumPy; what a search changes about it."""

import numpy as np
import numpy_reference
import pytest
from samples import image
from samples import scramble

from tfdarts.layers.batch_norm import BatchNorm
from tfdarts.layers.primitives import Pool3x3
from tfdarts.layers.primitives import primitive
from tfdarts.primitive_table import primitive_names

# Noise is not computed from the inputs.
NAMES = [name for name in primitive_names("cnn") if name != "noise"]
POOLS = ("max_pool_3x3", "avg_pool_3x3")


@pytest.mark.parametrize("size", [(6, 8), (7, 5), (4, 7)])
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_primitive_is_the_reference(name, strides, size):
    x = image(2, *size, 4)
    for search in (True, False):
        layer = primitive(name, 4, strides, search=search, dtype="float64")
        layer.build(x.shape)
        scramble(layer)
        expected = numpy_reference.primitive(
            name, x, layer.trainable_weights, strides, search
        )
        np.testing.assert_allclose(
            layer(x, training=True), expected, rtol=1e-9, atol=1e-9
        )


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("name", primitive_names("cnn"))
def test_output_shape(name, strides):
    layer = primitive(name, 4, strides)
    assert tuple(layer.compute_output_shape((None, 7, 4, 4))) == (
        (None, 7, 4, 4) if strides == 1 else (None, 4, 2, 4)
    )


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_primitive_in_float32_is_the_reference(name, strides):
    """The fused batch norm and the other kernels of the default type."""
    x = image(3, 7, 6, 4).astype("float32")
    layer = primitive(name, 4, strides, search=True)
    outputs = layer(x, training=True)
    expected = numpy_reference.primitive(
        name, x, layer.trainable_weights, strides, search=True
    )
    np.testing.assert_allclose(outputs, expected, atol=2e-4)


@pytest.mark.parametrize(
    "name",
    [*POOLS, "none", "dil_conv_3x3", "dil_conv_5x5", "conv_7x1_1x7"]
    + ["conv_3x1_1x3", "max_pool_7x7", "nor_conv_3x3"],
)
@pytest.mark.parametrize("size", [(6, 8), (7, 5)])
def test_stride_2_takes_every_second_pixel_of_stride_1(name, size):
    """Without training, batch norm is the same map of each pixel."""
    x = image(1, *size, 4).astype("float32")
    whole, halved = (primitive(name, 4, strides) for strides in (1, 2))
    outputs, expected = halved(x), whole(x)
    if whole.weights:
        halved.set_weights(whole.get_weights())
        outputs = halved(x)
    np.testing.assert_allclose(
        outputs, np.asarray(expected)[:, ::2, ::2], atol=1e-5
    )


def test_average_leaves_padding_out():
    x = np.arange(16.0, dtype="float32").reshape(1, 4, 4, 1)
    outputs = np.asarray(primitive("avg_pool_3x3", 1)(x))[0, :, :, 0]
    assert outputs[0, 0] == pytest.approx((0 + 1 + 4 + 5) / 4)
    assert outputs[0, 1] == pytest.approx((0 + 1 + 2 + 4 + 5 + 6) / 6)


@pytest.mark.parametrize(
    ("name", "strides", "search", "final"),
    [
        ("sep_conv_3x3", 1, 800, 864),
        ("sep_conv_5x5", 1, 1312, 1376),
        ("sep_conv_7x7", 1, 2080, 2144),
        ("dil_conv_3x3", 1, 400, 432),
        ("dil_conv_5x5", 1, 656, 688),
        ("conv_7x1_1x7", 1, 3584, 3616),
        ("conv_3x1_1x3", 1, 1536, 1568),
        ("nor_conv_3x3", 1, 2304, 2336),
        ("max_pool_7x7", 2, 0, 0),
        ("skip_connect", 2, 256, 288),
        ("skip_connect", 1, 0, 0),
        ("max_pool_3x3", 2, 0, 0),
        ("avg_pool_3x3", 2, 0, 0),
        ("none", 2, 0, 0),
    ],
)
def test_trainable_weights_at_16_channels(name, strides, search, final):
    for form, expected in ((True, search), (False, final)):
        layer = primitive(name, 16, strides, search=form)
        layer.build((None, 8, 8, 16))
        counted = sum(np.prod(w.shape) for w in layer.trainable_weights)
        assert counted == expected


def batch_norms(layer):
    return [x for x in layer._flatten_layers() if isinstance(x, BatchNorm)]


@pytest.mark.parametrize("name", NAMES[:8])
def test_search_has_no_scale_and_a_batch_norm_behind_each_pool(name):
    search, final = (
        primitive(name, 4, 2, search=search) for search in (True, False)
    )
    assert not any(norm.scale or norm.center for norm in batch_norms(search))
    assert all(norm.scale and norm.center for norm in batch_norms(final))
    extra = len(batch_norms(search)) - len(batch_norms(final))
    assert extra == (1 if name in POOLS else 0)


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("strides", [1, 2])
def test_none_is_exactly_zero(strides, poison):
    x = np.full((1, 5, 4, 2), poison, "float32")
    outputs = np.asarray(primitive("none", 2, strides)(x))
    expected = np.zeros((1, -(-5 // strides), -(-4 // strides), 2))
    np.testing.assert_array_equal(outputs, expected)


@pytest.mark.parametrize("name", NAMES)
def test_all_batch_norms_hear_that_it_is_training(name):
    layer = primitive(name, 4, 2, search=True)
    x = image(2, 6, 6, 4).astype("float32")
    layer.build(x.shape)
    before = layer.get_weights()
    inference = layer(x, training=False)
    assert all(map(np.array_equal, before, layer.get_weights()))
    outputs = layer(x, training=True)
    for norm in batch_norms(layer):
        assert np.all(norm.moving_mean != 0.0)
        assert np.all(norm.moving_variance != 1.0)
    assert np.array_equal(inference, outputs) == (not batch_norms(layer))


def test_refusals():
    with pytest.raises(ValueError, match="no primitive named 'conv_9x9'"):
        primitive("conv_9x9", 4)
    with pytest.raises(ValueError, match="`kind` must be 'max' or 'avg'"):
        Pool3x3("min")
    with pytest.raises(ValueError, match="`strides` must be 1 or 2"):
        primitive("sep_conv_3x3", 4, 3)
