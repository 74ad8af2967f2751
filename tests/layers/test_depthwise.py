"""Depthwise convolutions and their gradients against NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from tfdarts.layers import depthwise
from tfdarts.layers.depthwise import depthwise_conv
from tfdarts.layers.depthwise import dilated_depthwise_conv
from tfdarts.layers.depthwise import strided_depthwise_conv

FORMS = {  # stride, dilation
    depthwise_conv: (1, 1),
    strided_depthwise_conv: (2, 1),
    dilated_depthwise_conv: (1, 2),
}


def shifted(images, row, column, stride, dilation, size):
    """The pixels that an entry of the kernel reads, padded as PyTorch does."""
    side = dilation * (size // 2)
    sides = [(0, 0), (side, side), (side, side), (0, 0)]
    padded = np.pad(images, sides)[:, row * dilation :, column * dilation :]
    height, width = images.shape[1:3]
    return padded[:, :height:stride, :width:stride]


def expected(images, kernel, upstream, stride, dilation):
    """The outputs, and the gradients of <outputs, upstream>, in float64."""
    images, kernel, upstream = (
        values.astype("float64") for values in (images, kernel, upstream)
    )
    size = len(kernel)
    outputs = np.zeros(upstream.shape)
    of_images, of_kernel = np.zeros(images.shape), np.zeros(kernel.shape)
    ones = np.indices(images.shape[1:3]) + 1
    for row, column in np.ndindex(size, size):
        where = row, column, stride, dilation, size
        read = shifted(images, *where)
        outputs += read * kernel[row, column, :, 0]
        of_kernel[row, column, :, 0] = (read * upstream).sum((0, 1, 2))
        rows, columns = shifted(
            ones.transpose(1, 2, 0)[None], *where
        ).transpose(3, 0, 1, 2)
        for i, j in np.ndindex(rows.shape[1:]):
            if rows[0, i, j]:
                of_images[:, rows[0, i, j] - 1, columns[0, i, j] - 1] += (
                    upstream[:, i, j] * kernel[row, column, :, 0]
                )
    return outputs, of_images, of_kernel


def computed(function, images, kernel, upstream):
    with tf.GradientTape() as tape:
        tape.watch([images, kernel])
        outputs = function(images, kernel)
    return outputs, *tape.gradient(outputs, [images, kernel], upstream)


def samples(function, shape, size, dtype="float32"):
    random = np.random.default_rng(0)
    stride, _ = FORMS[function]
    batch, height, width, channels = shape
    strided = batch, -(-height // stride), -(-width // stride), channels
    return [
        random.normal(size=each).astype(dtype)
        for each in (shape, (size, size, channels, 1), strided)
    ]


@pytest.mark.parametrize("function", FORMS)
@pytest.mark.parametrize("size", [3, 5, 7])
@pytest.mark.parametrize("image", [(6, 8), (5, 3), (4, 7), (2, 2)])
def test_values_and_gradients(function, size, image):
    given = samples(function, (2, *image, 3), size)
    for result, right in zip(
        tf.function(computed)(function, *map(tf.constant, given)),
        expected(*given, *FORMS[function]),
        strict=True,
    ):
        np.testing.assert_allclose(result, right, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("function", FORMS)
def test_sizes_that_are_not_known(function):
    given = samples(function, (2, 6, 8, 3), 5)
    images, kernel, upstream = map(tf.constant, given)
    unknown = tf.TensorSpec((None, None, None, 3))
    compiled = tf.function(
        lambda images, upstream: computed(function, images, kernel, upstream),
        input_signature=[unknown, unknown],
    )
    for result, right in zip(
        compiled(images, upstream),
        expected(*given, *FORMS[function]),
        strict=True,
    ):
        np.testing.assert_allclose(result, right, rtol=1e-4, atol=1e-5)


def test_dilation_without_onednn(monkeypatch):
    """As in float64, of which oneDNN knows nothing."""
    monkeypatch.setattr(depthwise, "_has_dilation", lambda dtype: False)
    given = samples(dilated_depthwise_conv, (2, 5, 6, 3), 5)
    for result, right in zip(
        computed(dilated_depthwise_conv, *map(tf.constant, given)),
        expected(*given, 1, 2),
        strict=True,
    ):
        np.testing.assert_allclose(result, right, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("function", FORMS)
@pytest.mark.parametrize("size", [3, 5])
def test_second_derivatives(function, size):
    """<∇ <conv(x, k), u>, d> has the gradients of <conv(d, k), u>."""
    stride, dilation = FORMS[function]
    images, kernel, upstream = samples(function, (2, 4, 6, 3), size)
    of_images, of_kernel = images[::-1].copy(), kernel[::-1].copy()
    given = [*map(tf.constant, (images, kernel, upstream))]
    with tf.GradientTape(persistent=True) as outer:
        outer.watch(given)
        _, *gradients = computed(function, *given)
        products = [
            tf.reduce_sum(gradient * direction)
            for gradient, direction in zip(gradients, (of_images, of_kernel))
        ]
    for product, variable, right in (
        (
            *(products[0], given[1]),
            expected(of_images, kernel, upstream, stride, dilation)[2],
        ),
        (
            *(products[1], given[0]),
            expected(images, of_kernel, upstream, stride, dilation)[1],
        ),
        (
            *(products[1], given[2]),
            expected(images, of_kernel, upstream, stride, dilation)[0],
        ),
    ):
        np.testing.assert_allclose(
            outer.gradient(product, variable), right, rtol=1e-4, atol=1e-5
        )
