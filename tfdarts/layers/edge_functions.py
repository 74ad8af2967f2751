"""Operations on the channels of all edges that leave one node."""

import math

import numpy as np
import tensorflow as tf

from tfdarts.layers.constants import shared_constant
from tfdarts.layers.custom_gradient import call_with_gradient
from tfdarts.layers.depthwise import as_tensor
from tfdarts.layers.depthwise import shape_of

FEW_FILTERS = 32
"""Up to this many filters, one block-diagonal product is the fastest."""


def pointwise(images, kernel):
    """Returns a 1x1 convolution; the kernel's output axes are flattened.

    A product of small matrices costs a third of oneDNN's convolution.
    """
    channels, filters = images.shape[-1], -1
    if kernel.shape.is_fully_defined():
        filters = math.prod(kernel.shape) // channels
    if kernel.shape.rank != 2:
        kernel = reshape(kernel, [channels, filters])
    outputs = tf.matmul(reshape(images, [-1, channels]), kernel)
    return reshape(outputs, [*shape_of(images)[:3], filters])


def reshape(tensor, shape):
    """Returns a reshaped tensor; the gradient adds no constant to the graph.

    Args:
        tensor: Tensor.
        shape: List of integers and scalar tensors.
    """
    shape = as_tensor(shape)

    def gradient(upstream):
        return [lambda: reshape(upstream, shape_of(tensor))]

    def convert(tensor):
        return tf.reshape(tensor, shape)

    return call_with_gradient(convert, gradient, tensor)


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
    return tf.unstack(reshape(blocks, [len(kernels), size, size]))


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
    weights = reshape(weights, [len(images), 1, -1, 1])
    return pointwise(
        tf.concat(images, axis=3),
        weights * shared_constant(identity, weights.dtype),
    )
