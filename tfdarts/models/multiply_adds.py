"""The number of multiply-adds of a model for one image."""

import functools
import math

import keras

from tfdarts.layers.convolutions import FactorizedReduce
from tfdarts.layers.nas_bench_201_layers import ResidualReduction
from tfdarts.layers.primitives import Pool3x3
from tfdarts.layers.stack import Stack


def multiply_adds(model, everything=False):
    """Returns the multiply-adds of a functional model for one image.

    Convolutions and dense layers count one for each multiplication and the
    addition that follows. Publications differ: some also count two for each
    normalized element, one for each element of a ReLU, and nine for each
    output of a 3x3 pooling. `everything` adds these.

    Args:
        model: A functional Keras model of images of one size.
        everything: Boolean, whether to count batch normalization, ReLU and
            pooling too. Defaults to `False`.

    Returns:
        Integer.

    Raises:
        ValueError: If a layer has kernels and an unknown cost.

    Example:

    >>> images = keras.Input((8, 8, 3))
    >>> outputs = keras.layers.Conv2D(16, 3, padding="same")(images)
    >>> multiply_adds(keras.Model(images, outputs))  # 8*8*16 of 3*3*3 each
    27648
    """
    return sum(
        _cost(node.operation, tensor.shape, everything)
        for nodes in model._nodes_by_depth.values()
        for node in nodes
        if not node.is_input
        for tensor in node.input_tensors[:1]
    )


def multiply_adds_of_layer(layer, shape):
    """Returns the multiply-adds of a layer for one image.

    Args:
        layer: Keras layer.
        shape: Tuple, the shape of its input with the batch, which may be
            `None`.
    """
    return _cost(layer, shape, False)


@functools.singledispatch
def _cost(layer, shape, everything):
    """Returns the multiply-adds of a layer for an input of this shape.

    Layers without kernels cost nothing. A layer of your own may have a method
    `multiply_adds(input_shape)` that returns its cost.
    """
    if hasattr(layer, "multiply_adds"):
        return layer.multiply_adds(shape)
    if any(len(weight.shape) > 1 for weight in layer.weights):
        raise ValueError(
            "tfdarts cannot count the multiply-adds of "
            f"{type(layer).__name__}: give the layer a method "
            "multiply_adds(input_shape)."
        )
    return 0


@_cost.register
def _(layer: keras.layers.Dense, shape, everything):
    return math.prod(layer.kernel.shape)


@_cost.register(keras.layers.Conv2D)
@_cost.register(keras.layers.DepthwiseConv2D)
def _(layer, shape, everything):
    return _num_output_pixels(layer, shape) * math.prod(layer.kernel.shape)


@_cost.register
def _(layer: keras.layers.SeparableConv2D, shape, everything):
    kernels = (layer.depthwise_kernel, layer.pointwise_kernel)
    return _num_output_pixels(layer, shape) * sum(
        math.prod(k.shape) for k in kernels
    )


@_cost.register
def _(layer: keras.layers.BatchNormalization, shape, everything):
    return 2 * math.prod(shape[1:]) if everything else 0


@_cost.register
def _(layer: keras.layers.ReLU, shape, everything):
    return math.prod(shape[1:]) if everything else 0


@_cost.register(keras.layers.AveragePooling2D)
@_cost.register(keras.layers.MaxPooling2D)
def _(layer, shape, everything):
    outputs = math.prod(layer.compute_output_shape(shape)[1:])
    return outputs * math.prod(layer.pool_size) if everything else 0


@_cost.register(keras.Sequential)
@_cost.register(Stack)
def _(layer, shape, everything):
    total = 0
    layers = getattr(layer, "layers_in_order", None) or layer.layers
    for inner in layers:
        total += _cost(inner, shape, everything)
        shape = inner.compute_output_shape(shape)
    return total


@_cost.register
def _(layer: Pool3x3, shape, everything):
    # At stride 2, the outputs that subsampling drops do not count.
    outputs = layer.compute_output_shape(shape)
    each = 9 * layer.repeats + 2 * layer.batch_norm
    return each * math.prod(outputs[1:]) if everything else 0


@_cost.register
def _(layer: FactorizedReduce, shape, everything):
    half = layer.even.compute_output_shape(shape)
    parts = (
        (layer.relu, shape),
        (layer.even_conv, half),
        (layer.odd_conv, half),
        (layer.batch_norm, layer.compute_output_shape(shape)),
    )
    return sum(_cost(*part, everything) for part in parts)


@_cost.register
def _(layer: ResidualReduction, shape, everything):
    total = 0
    for path in (layer.convolutions, layer.shortcut):
        inner = shape
        for each in path:
            total += _cost(each, inner, everything)
            inner = each.compute_output_shape(inner)
    return total


def _num_output_pixels(layer, shape):
    """Returns height times width of a convolution's output."""
    return math.prod(layer.compute_output_shape(shape)[1:3])
