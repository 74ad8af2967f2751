"""Primitives on all edges that leave one node, computed together.

The channels of the edges are concatenated: with `C` filters, edge `e` has the
channels from `e C` up to `(e + 1) C`. Each edge keeps its own kernels and
batch statistics; a few large operations replace many small ones.
"""

import keras
import tensorflow as tf

from tfdarts.layers.batch_norm import BatchNorm
from tfdarts.layers.convolutions import uniform
from tfdarts.layers.depthwise import depthwise_conv
from tfdarts.layers.depthwise import dilated_depthwise_conv
from tfdarts.layers.depthwise import strided_depthwise_conv
from tfdarts.layers.edge_functions import convolve_edges
from tfdarts.layers.edge_functions import pointwise
from tfdarts.layers.edge_functions import separate_edges
from tfdarts.layers.primitives import primitive as new_layer
from tfdarts.layers.subsample import Subsample
from tfdarts.layers.subsample import every_second_pixel
from tfdarts.layers.subsample import strided_shape
from tfdarts.primitive_table import as_function
from tfdarts.primitive_table import primitive_entry


class Bundle(keras.layers.Layer):
    """A primitive on all edges that leave one node.

    `bundle(inputs, scale, training=training)` returns the outputs of the
    edges, concatenated along the channels. Each channel is multiplied by its
    entry of `scale`.

    Attributes:
        source: String, the inputs of the bundle: `"node"` (the node itself),
            `"active"` (the node after a ReLU), `"spread"` (the node after a
            ReLU, its channels repeated for each edge) or `"subsampled"`
            (every second pixel of `"spread"`).
    """

    source = "node"

    def edge_kernels(self):
        """Returns the kernels of the 1x1 convolutions inside the edges.

        Returns:
            List of tensors `(edges, filters, 1, filters)`. If it is not empty,
            `call` takes the argument `products`, the kernels that
            `separate_edges` makes of them.
        """
        return []

    def weights_of(self, edge):
        """Returns the weights of one edge, in the order of its own layer."""
        raise NotImplementedError


@keras.saving.register_keras_serializable(package="tfdarts")
class LayerBundle(Bundle):
    """A bundle of any primitive: one layer for each edge.

    Args:
        primitive: String, the name of the primitive.
        num_edges: Integer.
        filters: Integer, channels of the input and of an edge.
        strides: Integer, `1` or `2`.

    Raises:
        ValueError: If the layer returns outputs of an unexpected shape.
    """

    def __init__(self, primitive, num_edges, filters, strides, **kwargs):
        super().__init__(**kwargs)
        self.primitive = primitive
        self.num_edges = num_edges
        self.filters = filters
        self.strides = strides
        self.layers_of_edges = [
            new_layer(
                primitive,
                filters,
                strides,
                search=True,
                name=f"edge{edge}",
                dtype=self.dtype_policy,
            )
            for edge in range(num_edges)
        ]

    def build(self, inputs_shape):
        expected = strided_shape(inputs_shape, self.strides)
        for layer in self.layers_of_edges:
            layer.build(inputs_shape)
            shape = layer.compute_output_shape(inputs_shape)
            if tuple(shape) != tuple(expected):
                raise ValueError(
                    f"The layer of the primitive {self.primitive} must turn "
                    f"inputs of shape {tuple(inputs_shape)} into "
                    f"{tuple(expected)} with strides={self.strides}. It "
                    f"returns {tuple(shape)}."
                )

    def call(self, inputs, scale=None, training=None):
        outputs = tf.concat(
            [
                layer(inputs, training=training)
                for layer in self.layers_of_edges
            ],
            axis=3,
        )
        if scale is None:
            return outputs
        return outputs * tf.cast(scale, outputs.dtype)

    def compute_output_shape(self, inputs_shape, scale_shape=None):
        *shape, _ = strided_shape(inputs_shape, self.strides)
        return (*shape, self.num_edges * self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "primitive": self.primitive,
            "num_edges": self.num_edges,
            "filters": self.filters,
            "strides": self.strides,
        }

    def weights_of(self, edge):
        return self.layers_of_edges[edge].get_weights()


@keras.saving.register_keras_serializable(package="tfdarts")
class SeparableBundle(Bundle):
    """Depthwise convolution, pointwise convolution and batch norm per edge.

    Args:
        num_edges: Integer.
        filters: Integer, channels of an edge.
        kernel_size: Odd integer.
        strides: Integer, `1` or `2`. Defaults to `1`.
        dilation: Integer, `1` or `2`. Defaults to `1`.

    Call arguments:
        inputs: 4D tensor of `num_edges * filters` channels. With `strides`
            and `dilation` of 2, only every second pixel, because the kernel
            reads no others.
        scale: Tensor `(num_edges * filters,)`, the scale of the batch
            normalization. Defaults to 1.
        products: List of one tensor; see `Bundle.edge_kernels`. Defaults to
            the kernel of the layer.
    """

    @property
    def source(self):
        if self.strides == self.dilation == 2:
            return "subsampled"
        return "spread"

    def __init__(
        self,
        num_edges,
        filters,
        kernel_size,
        strides=1,
        dilation=1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.num_edges = num_edges
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.dilation = dilation
        self.batch_norm = BatchNorm(affine=False, dtype=self.dtype_policy)

    def build(self, inputs_shape):
        edges, filters, size = self.num_edges, self.filters, self.kernel_size
        self.depthwise_kernel = self.add_weight(
            name="depthwise_kernel",
            shape=(size, size, edges * filters, 1),
            initializer=uniform(filters * size**2),
        )
        self.pointwise_kernel = self.add_weight(
            name="pointwise_kernel",
            shape=(edges, filters, 1, filters),
            initializer=uniform(filters),
        )
        self.batch_norm.build((None, None, None, edges * filters))

    def edge_kernels(self):
        return [tf.convert_to_tensor(self.pointwise_kernel)]

    def call(self, inputs, scale=None, training=None, products=None):
        kernel = tf.convert_to_tensor(self.depthwise_kernel)
        match self.strides, self.dilation:
            case 1, 1:
                outputs = depthwise_conv(inputs, kernel)
            case 2, 1:
                outputs = strided_depthwise_conv(inputs, kernel)
            case 1, 2:
                outputs = dilated_depthwise_conv(inputs, kernel)
            case 2, 2:
                outputs = depthwise_conv(inputs, kernel)
        (product,) = products or separate_edges(self.edge_kernels())
        outputs = convolve_edges(outputs, product)
        return self.batch_norm(outputs, training=training, scale=scale)

    def compute_output_shape(self, inputs_shape, scale_shape=None):
        if self.source == "subsampled":
            return inputs_shape
        return strided_shape(inputs_shape, self.strides)

    def get_config(self):
        return {
            **super().get_config(),
            "num_edges": self.num_edges,
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "dilation": self.dilation,
        }

    def weights_of(self, edge):
        """Returns an edge's weights, as in `SeparableConv2D`, `BatchNorm`."""
        channels = slice(edge * self.filters, (edge + 1) * self.filters)
        return [
            self.depthwise_kernel.numpy()[:, :, channels],
            self.pointwise_kernel.numpy()[edge].transpose(1, 0, 2)[None],
            *statistics_of(self.batch_norm, channels),
        ]


@keras.saving.register_keras_serializable(package="tfdarts")
class SepConvBundle(Bundle):
    """`sep_conv_kxk` on each edge, applied after a ReLU.

    Args:
        num_edges: Integer.
        filters: Integer.
        kernel_size: Odd integer.
        strides: Integer, `1` or `2`.
    """

    source = "spread"

    def __init__(self, num_edges, filters, kernel_size, strides, **kwargs):
        super().__init__(**kwargs)
        self.num_edges = num_edges
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        dtype = self.dtype_policy
        self.blocks = [
            SeparableBundle(
                num_edges, filters, kernel_size, block_strides, dtype=dtype
            )
            for block_strides in (strides, 1)
        ]

    def build(self, inputs_shape):
        for block in self.blocks:
            block.build(inputs_shape)
            inputs_shape = block.compute_output_shape(inputs_shape)

    def edge_kernels(self):
        return [kernel for b in self.blocks for kernel in b.edge_kernels()]

    def call(self, inputs, scale=None, training=None, products=None):
        first, second = self.blocks
        products = products or separate_edges(self.edge_kernels())
        inner = first(inputs, training=training, products=products[:1])
        return second(
            tf.nn.relu(inner), scale, training=training, products=products[1:]
        )

    def compute_output_shape(self, inputs_shape, scale_shape=None):
        return strided_shape(inputs_shape, self.strides)

    def get_config(self):
        return {
            **super().get_config(),
            "num_edges": self.num_edges,
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
        }

    def weights_of(self, edge):
        """Returns an edge's weights, in the order of `SepConv`."""
        first, second = self.blocks
        return first.weights_of(edge) + second.weights_of(edge)


@keras.saving.register_keras_serializable(package="tfdarts")
class FactorizedReduceBundle(Bundle):
    """`skip_connect` of stride 2 on each edge, applied after a ReLU.

    Args:
        num_edges: Integer.
        filters: Integer, channels of the input and of an edge.
    """

    source = "active"

    def __init__(self, num_edges, filters, **kwargs):
        super().__init__(**kwargs)
        self.num_edges = num_edges
        self.filters = filters
        self.odd = Subsample(offset=1, dtype=self.dtype_policy)
        self.batch_norm = BatchNorm(affine=False, dtype=self.dtype_policy)

    def build(self, inputs_shape):
        edges, filters = self.num_edges, self.filters
        self.odd.build(inputs_shape)
        half = filters // 2
        self.even_kernel, self.odd_kernel = (
            self.add_weight(
                name=f"{name}_kernel",
                shape=(filters, edges, size),
                initializer=uniform(filters),
            )
            for name, size in (("even", half), ("odd", filters - half))
        )
        self.batch_norm.build((None, None, None, edges * filters))

    def call(self, inputs, scale=None, training=None):
        """Computes both convolutions as one, on concatenated pixel sets."""
        even, odd = every_second_pixel(inputs), self.odd(inputs)
        half = self.filters // 2
        kernel = tf.concat(
            [
                tf.pad(
                    self.even_kernel, [[0, 0], [0, 0], [0, self.filters - half]]
                ),
                tf.pad(self.odd_kernel, [[0, 0], [0, 0], [half, 0]]),
            ],
            axis=0,
        )
        outputs = pointwise(tf.concat([even, odd], axis=3), kernel)
        return self.batch_norm(outputs, training=training, scale=scale)

    def compute_output_shape(self, inputs_shape, scale_shape=None):
        *shape, _ = strided_shape(inputs_shape, 2)
        return (*shape, self.num_edges * self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "num_edges": self.num_edges,
            "filters": self.filters,
        }

    def weights_of(self, edge):
        """Returns an edge's weights, in the order of `FactorizedReduce`."""
        channels = slice(edge * self.filters, (edge + 1) * self.filters)
        return [
            self.even_kernel.numpy()[None, None, :, edge],
            self.odd_kernel.numpy()[None, None, :, edge],
            *statistics_of(self.batch_norm, channels),
        ]


def bundle_of(primitive, num_edges, filters, strides, **kwargs):
    """Returns the layer of a primitive on all edges out of a node.

    Args:
        primitive: String, the name of the primitive.
        num_edges: Integer.
        filters: Integer, channels of the node and of an edge.
        strides: Integer, `1` or `2`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Returns:
        `Bundle`, or one plain layer that all edges share.
    """
    entry = primitive_entry(primitive, "layers")
    if entry.bundle is None:
        return LayerBundle(primitive, num_edges, filters, strides, **kwargs)
    bundle = as_function(entry.bundle)(
        num_edges=num_edges,
        filters=filters,
        strides=strides,
        **entry.options,
        **kwargs,
    )
    if bundle is not None:
        return bundle
    return new_layer(primitive, filters, strides, search=True, **kwargs)


def shared_by_all_edges(**kwargs):
    """Returns `None`: all edges share a layer without weights."""


def dilated_bundle(**kwargs):
    """Returns the bundle of a `dil_conv`; see `bundle_of`."""
    return SeparableBundle(dilation=2, **kwargs)


def skip_bundle(num_edges, filters, strides, **kwargs):
    """Returns the bundle of `skip_connect`; see `bundle_of`."""
    if strides == 1:
        return None
    return FactorizedReduceBundle(num_edges, filters, **kwargs)


def statistics_of(batch_norm, channels):
    """Returns the moving mean and variance of some channels."""
    moving = batch_norm.moving_mean, batch_norm.moving_variance
    return [statistic.numpy()[channels] for statistic in moving]
