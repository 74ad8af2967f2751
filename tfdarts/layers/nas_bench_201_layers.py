"""The search cell and the residual block of NAS-Bench-201."""

import keras

from tfdarts.layers.convolutions import LAYOUT
from tfdarts.layers.convolutions import ReLUConvBN
from tfdarts.layers.convolutions import conv
from tfdarts.layers.mixed_op import MixedOp
from tfdarts.layers.mixed_op import as_mixed_op
from tfdarts.layers.mixed_op import mixed_op_config
from tfdarts.layers.search_cell import compute_nodes
from tfdarts.layers.search_cell import make_mixed_ops
from tfdarts.layers.subsample import strided_shape
from tfdarts.search_spaces.nas_bench_201 import NASBench201SearchSpace
from tfdarts.search_spaces.space_registry import as_space


@keras.saving.register_keras_serializable(package="tfdarts")
class NASBench201SearchCell(keras.layers.Layer):
    """A cell of NAS-Bench-201 with every primitive on every edge.

    Args:
        filters: Integer, channels of the input and of each node.
        mixed_op: Class of layers like `MixedOp`; see `CNNSupernet`.
            Defaults to `MixedOp`.
        space: Search space, or its config. Defaults to
            `NASBench201SearchSpace()`.

    Call arguments:
        inputs: Output of the previous cell.
        edge_weights: Tensor of shape `(edges, primitives)`, edges in the order
            of `space.edges`.

    Output shape:
        Same as that of `inputs`.

    Example:

    >>> images = keras.ops.ones((1, 8, 8, 4))
    >>> cell = NASBench201SearchCell(filters=4)
    >>> cell(images, keras.ops.ones((6, 5)) / 5).shape
    TensorShape([1, 8, 8, 4])

    Reference:

    - [Dong and Yang, 2020](https://arxiv.org/abs/2001.00326), section 2.1
    """

    def __init__(self, filters, mixed_op=MixedOp, space=None, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.mixed_op = as_mixed_op(mixed_op)
        self.space = as_space(space) or NASBench201SearchSpace()
        (cell_type,) = self.space.cell_types
        self.mixed_ops = make_mixed_ops(
            self.mixed_op,
            self.space,
            filters,
            self.space.mask(cell_type),
            dtype=self.dtype_policy,
        )

    def build(self, inputs_shape, edge_weights_shape):
        for mixed_op in self.mixed_ops:
            mixed_op.build(inputs_shape, edge_weights_shape)

    def call(self, inputs, edge_weights, training=None):
        return compute_nodes(
            self.mixed_ops, self.space, [inputs], edge_weights, training
        )[-1]

    def compute_output_shape(self, inputs_shape, edge_weights_shape=None):
        return inputs_shape

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "mixed_op": mixed_op_config(self.mixed_op),
            "space": self.space.get_config(),
        }


@keras.saving.register_keras_serializable(package="tfdarts")
class ResidualReduction(keras.layers.Layer):
    """A basic residual block of stride 2, between the stages.

    The shortcut is a 2x2 average pooling and a 1x1 convolution. On odd sizes,
    which the authors' code does not support, the pooling ignores padding.

    Args:
        filters: Integer, output channels.

    Input shape:
        4D tensor `(batch, height, width, channels)`.

    Output shape:
        4D tensor `(batch, height / 2, width / 2, filters)`, rounded up.

    Example:

    >>> ResidualReduction(8)(keras.ops.ones((1, 7, 8, 4))).shape
    TensorShape([1, 4, 4, 8])

    Reference:

    - [Dong and Yang, 2020](https://arxiv.org/abs/2001.00326), section 2.1
    """

    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        dtype = self.dtype_policy
        self.convolutions = [
            ReLUConvBN(filters, 3, strides=strides, dtype=dtype)
            for strides in (2, 1)
        ]
        self.shortcut = [
            keras.layers.AveragePooling2D(
                2, padding="same", dtype=dtype, **LAYOUT
            ),
            conv(filters, 1, dtype=dtype),
        ]

    def build(self, inputs_shape):
        for path in (self.convolutions, self.shortcut):
            shape = inputs_shape
            for layer in path:
                layer.build(shape)
                shape = layer.compute_output_shape(shape)

    def call(self, inputs, training=None):
        first, second = self.convolutions
        pooling, pointwise = self.shortcut
        outputs = second(first(inputs, training=training), training=training)
        return outputs + pointwise(pooling(inputs))

    def compute_output_shape(self, inputs_shape):
        return (*strided_shape(inputs_shape, 2)[:-1], self.filters)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}
