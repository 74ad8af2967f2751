"""Bundles of separable convolutions; see `tfdarts.layers.bundle`."""

import keras
import tensorflow as tf

from tfdarts.layers.batch_norm import BatchNorm
from tfdarts.layers.bundle import Bundle
from tfdarts.layers.bundle import statistics_of
from tfdarts.layers.convolutions import uniform
from tfdarts.layers.depthwise import depthwise_conv
from tfdarts.layers.depthwise import dilated_depthwise_conv
from tfdarts.layers.depthwise import strided_depthwise_conv
from tfdarts.layers.edge_functions import convolve_edges
from tfdarts.layers.edge_functions import separate_edges
from tfdarts.layers.subsample import strided_shape


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


def dilated_bundle(**kwargs):
    """Returns the bundle of a `dil_conv`; see `bundle_of`."""
    return SeparableBundle(dilation=2, **kwargs)
