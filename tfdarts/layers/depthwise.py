"""Depthwise convolutions whose gradients are fast on CPUs.

Images are padded as in PyTorch: by half of the kernel on each side.
"""

import functools

import keras
import tensorflow as tf

from tfdarts.layers.constants import shared_constant
from tfdarts.layers.custom_gradient import call_with_gradient
from tfdarts.layers.custom_gradient import custom_gradient

UNIT_STRIDES = [1, 1, 1, 1]


def depthwise_conv(images, kernel):
    """Returns a depthwise convolution.

    Args:
        images: 4D tensor `(batch, height, width, channels)`.
        kernel: Tensor `(size, size, channels, 1)`, of odd size.
    """

    def gradient(upstream):
        return [
            lambda: tf.raw_ops.DepthwiseConv2dNativeBackpropInput(
                input_sizes=as_tensor(shape_of(images)),
                filter=kernel,
                out_backprop=upstream,
                strides=UNIT_STRIDES,
                padding="SAME",
            ),
            lambda: _gradient_of_kernel(images, upstream, kernel),
        ]

    return call_with_gradient(_convolve, gradient, images, kernel)


def dilated_depthwise_conv(images, kernel):
    """Returns a depthwise convolution of dilation 2; see `depthwise_conv`.

    The result is an ordinary convolution of the four sets of every second
    pixel. The kernels of oneDNN compute it without separating the sets, but
    return a wrong gradient of the kernel.
    """
    _, height, width, _ = shape_of(images)
    even = [[0, height % 2], [0, width % 2]]
    block = shared_constant([2, 2], tf.int32)
    if not _has_dilation(images.dtype):
        outputs = depthwise_conv(tf.space_to_batch(images, block, even), kernel)
        return tf.batch_to_space(outputs, block, even)

    @custom_gradient
    def convolve(images, kernel):
        def gradients(upstream):
            turned = tf.reverse(kernel, shared_constant([0, 1], tf.int32))
            sets = [
                tf.space_to_batch(each, block, even)
                for each in (images, upstream)
            ]
            return (
                dilated_depthwise_conv(upstream, turned),
                _gradient_of_kernel(*sets, kernel),
            )

        return _convolve(images, kernel, dilations=[1, 2, 2, 1]), gradients

    return convolve(images, kernel)


def strided_depthwise_conv(images, kernel):
    """Returns a depthwise convolution of stride 2; see `depthwise_conv`.

    On even sizes, TensorFlow's own padding is one pixel off PyTorch's. With a
    row and a column of zeros after the kernel, both give the same result.
    """
    _, height, width, _ = shape_of(images)
    strides = [1, 2, 2, 1]
    paddings = [[0, 1 - height % 2], [0, 1 - width % 2], [0, 0], [0, 0]]
    padding = _explicit(kernel)

    def convolve(images, kernel):
        return tf.raw_ops.DepthwiseConv2dNative(
            input=images, filter=kernel, strides=strides, **padding
        )

    def gradient(upstream):
        return [
            lambda: tf.raw_ops.DepthwiseConv2dNativeBackpropInput(
                input_sizes=as_tensor(shape_of(images)),
                filter=tf.pad(kernel, paddings),
                out_backprop=upstream,
                strides=strides,
                padding="SAME",
            ),
            lambda: tf.raw_ops.DepthwiseConv2dNativeBackpropFilter(
                input=images,
                filter_sizes=shared_constant(kernel.shape, tf.int32),
                out_backprop=upstream,
                strides=strides,
                **padding,
            ),
        ]

    return call_with_gradient(convolve, gradient, images, kernel)


def shape_of(images):
    """Returns the shape; Keras adds an operation even to a static shape."""
    if images.shape.is_fully_defined():
        return tuple(images.shape)
    return keras.ops.shape(images)


def as_tensor(shape):
    """Returns a shape of integers and scalar tensors as a tensor."""
    if any(map(tf.is_tensor, shape)):
        return tf.stack(shape)
    return shared_constant(shape, tf.int32)


def _convolve(images, kernel, **options):
    return tf.raw_ops.DepthwiseConv2dNative(
        input=images,
        filter=kernel,
        strides=UNIT_STRIDES,
        padding="SAME",
        **options,
    )


def _gradient_of_kernel(images, upstream, kernel):
    """Returns the gradient of the kernel of a `depthwise_conv`.

    The code of oneDNN is fast for kernels of up to 3 columns only. Columns
    that are two pixels apart are next to each other in images whose pairs of
    columns are one column of twice the channels.
    """
    height, width, channels, _ = kernel.shape
    gradient = tf.raw_ops.DepthwiseConv2dNativeBackpropFilter
    options = {"strides": UNIT_STRIDES}
    if width <= 3:
        return gradient(
            input=images,
            filter_sizes=shared_constant(kernel.shape, tf.int32),
            out_backprop=upstream,
            padding="SAME",
            **options,
        )
    columns = images.shape[2]
    if width > 5 or columns is None or columns % 2:
        return gradient(
            input=images,
            filter_sizes=shared_constant(kernel.shape, tf.int32),
            out_backprop=upstream,
            **options,
            **_explicit(kernel),
        )
    _, rows, *_ = shape_of(images)
    paired = as_tensor([-1, rows, columns // 2, 2 * channels])
    inner, outer = (
        gradient(
            input=inputs,
            filter_sizes=shared_constant(
                [height, 3, inputs.shape[3], 1], tf.int32
            ),
            out_backprop=of_outputs,
            padding="SAME",
            **options,
        )
        for inputs, of_outputs in (
            (images, upstream),
            (tf.reshape(images, paired), tf.reshape(upstream, paired)),
        )
    )
    parities = shared_constant([height, 3, 2, channels, 1], tf.int32)
    outer = tf.reduce_sum(
        tf.reshape(outer, parities), shared_constant(2, tf.int32)
    )
    # The inner columns are 1 pixel apart, the outer ones 2.
    order = shared_constant([3, 0, 1, 2, 5], tf.int32)
    return tf.gather(tf.concat([inner, outer], axis=1), order, axis=1)


def _explicit(kernel):
    """Returns the arguments of TensorFlow for the padding of PyTorch.

    Explicit padding makes TensorFlow compute gradients with its own code,
    which is faster than oneDNN's for kernels of more than 3 columns.
    """
    height, width = (size // 2 for size in kernel.shape[:2])
    sides = [0, 0, height, height, width, width, 0, 0]
    return {"padding": "EXPLICIT", "explicit_paddings": sides}


@functools.cache
def _has_dilation(dtype):
    """Returns whether TensorFlow has kernels of dilated convolutions here.

    On CPUs only oneDNN has them, and not for every dtype.
    """
    with tf.init_scope():
        try:
            _convolve(
                tf.zeros((1, 4, 4, 1), dtype),
                tf.zeros((3, 3, 1, 1), dtype),
                dilations=[1, 2, 2, 1],
            )
        except tf.errors.UnimplementedError:
            return False
    return True
