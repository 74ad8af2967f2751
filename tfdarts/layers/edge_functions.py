"""Operations on the channels of all edges that leave one node."""

import math

import keras
import numpy as np
import tensorflow as tf

from tfdarts.layers.constants import shared_constant
from tfdarts.layers.custom_gradient import custom_gradient

FEW_FILTERS = 32
"""Up to this many filters, one block-diagonal product is the fastest."""


def depthwise_conv(images, kernel, strides=1, padding="SAME"):
    """Returns a depthwise convolution whose gradient is fast on CPUs.

    For kernels wider than 3, oneDNN computes the kernel's gradient two to
    three times slower than TensorFlow's own code. Explicit padding makes
    TensorFlow use its own code.
    """
    size = kernel.shape[0]
    options = {"strides": [1, strides, strides, 1], "padding": padding}
    if size <= 3:
        return tf.raw_ops.DepthwiseConv2dNative(
            input=images, filter=kernel, **options
        )
    side = size // 2 if padding == "SAME" else 0

    @custom_gradient
    def convolve(images, kernel):
        def gradients(upstream):
            of_images = tf.raw_ops.DepthwiseConv2dNativeBackpropInput(
                input_sizes=as_tensor(shape_of(images)),
                filter=kernel,
                out_backprop=upstream,
                **options,
            )
            of_kernel = tf.raw_ops.DepthwiseConv2dNativeBackpropFilter(
                input=images,
                filter_sizes=shared_constant(kernel.shape, tf.int32),
                out_backprop=upstream,
                strides=options["strides"],
                padding="EXPLICIT",
                explicit_paddings=[0, 0, side, side, side, side, 0, 0],
            )
            return of_images, of_kernel

        outputs = tf.raw_ops.DepthwiseConv2dNative(
            input=images, filter=kernel, **options
        )
        return outputs, gradients

    return convolve(images, kernel)


def dilated_depthwise_conv(images, kernel):
    """Returns a depthwise convolution of dilation 2.

    The result is an ordinary convolution of the four sets of every second
    pixel.
    """
    _, height, width, _ = shape_of(images)
    even = [[0, height % 2], [0, width % 2]]
    block = shared_constant([2, 2], tf.int32)
    outputs = depthwise_conv(tf.space_to_batch(images, block, even), kernel)
    return tf.batch_to_space(outputs, block, even)


def pointwise(images, kernel):
    """Returns a 1x1 convolution; the kernel's output axes are flattened.

    A product of small matrices costs a third of oneDNN's convolution.
    """
    channels, filters = images.shape[-1], -1
    if kernel.shape.is_fully_defined():
        filters = math.prod(kernel.shape) // channels
    if kernel.shape.rank != 2:
        shape = shared_constant([channels, filters], tf.int32)
        kernel = tf.reshape(kernel, shape)
    pixels = tf.reshape(images, shared_constant([-1, channels], tf.int32))
    shape = as_tensor([*shape_of(images)[:3], filters])
    return tf.reshape(tf.matmul(pixels, kernel), shape)


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


def separate_edges(kernels):
    """Returns kernels of 1x1 convolutions that do not mix the edges.

    Few large operations make all kernels at once.

    Args:
        kernels: List of tensors `(edges, filters, 1, filters)`.

    Returns:
        List of block-diagonal matrices `(edges * filters, edges * filters)`.
        With many filters, one product for each edge costs less: then the
        kernels themselves.
    """
    if not kernels:
        return []
    edges, filters = kernels[0].shape[:2]
    if edges == 1 or filters > FEW_FILTERS:
        return kernels
    diagonal = np.eye(edges).reshape(edges, 1, edges, 1)
    blocks = tf.stack(kernels) * shared_constant(diagonal, kernels[0].dtype)
    size = edges * filters
    shape = shared_constant([len(kernels), size, size], tf.int32)
    return tf.unstack(tf.reshape(blocks, shape))


def convolve_edges(images, kernel):
    """Returns a 1x1 convolution of each edge's channels with its own kernel.

    Args:
        images: 4D tensor of `edges * filters` channels.
        kernel: One of the kernels that `separate_edges` returns.
    """
    edges = kernel.shape[0]
    if edges == 1 or kernel.shape.rank == 2:
        return pointwise(images, kernel)
    parts = zip(tf.split(images, edges, axis=3), tf.unstack(kernel))
    return tf.concat([pointwise(*part) for part in parts], axis=3)


def repeat_channels(images, count):
    """Returns images with their channels repeated `count` times.

    A matrix product and its gradient are faster than `tf.tile` and its
    gradient.
    """
    if count == 1:
        return images
    identity = np.tile(np.eye(images.shape[-1]), count)
    return pointwise(images, shared_constant(identity, images.dtype))


def sum_of_shared(images, weights):
    """Returns a weighted sum of images for each edge.

    One matrix product is faster than one broadcast per image and edge.

    Args:
        images: List of 4D tensors of `filters` channels.
        weights: Tensor `(len(images), edges)`.

    Returns:
        4D tensor of `edges * filters` channels.
    """
    filters = images[0].shape[-1]
    identity = np.eye(filters).reshape(1, filters, 1, filters)
    shape = shared_constant([len(images), 1, -1, 1], tf.int32)
    weights = tf.reshape(weights, shape)
    return pointwise(
        tf.concat(images, axis=3),
        weights * shared_constant(identity, weights.dtype),
    )
