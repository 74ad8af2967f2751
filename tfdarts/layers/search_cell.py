"""The convolutional cell of the supernet."""

import keras
import tensorflow as tf

from tfdarts.genotypes import PRIMITIVES
from tfdarts.layers.convolutions import FactorizedReduce
from tfdarts.layers.convolutions import ReLUConvBN
from tfdarts.layers.mixed_op import MixedOp
from tfdarts.layers.mixed_op import mixed_op_class
from tfdarts.layers.subsample import strided_shape
from tfdarts.search_spaces.cnn import CNNSearchSpace


@keras.saving.register_keras_serializable(package="tfdarts")
class SearchCell(keras.layers.Layer):
    """A cell with every primitive on every edge.

    Args:
        filters: Integer, channels of each node.
        reduction: Boolean, whether the cell halves height and width.
        after_reduction: Boolean, whether the previous cell is a reduction
            cell, so that `older` is twice as high and wide as `newer`.
        num_nodes: Integer, intermediate nodes. Defaults to `4`.
        primitives: Sequence of primitive names. Defaults to the eight of the
            paper.
        mixed_op: Class of layers like `MixedOp`, or its registered name.
            Defaults to `MixedOp`.

    Call arguments:
        older: Output of the cell before the previous one.
        newer: Output of the previous cell.
        edge_weights: Tensor of shape `(edges, len(primitives))`, edges in the
            order of `CNNSearchSpace.edges`.

    Output shape:
        4D tensor `(batch, height, width, num_nodes * filters)`, with the
        height and width of `newer`, halved and rounded up in a reduction cell.

    Example:

    >>> cell = SearchCell(filters=4, num_nodes=2, reduction=True)
    >>> images = keras.ops.ones((1, 8, 8, 12))
    >>> cell(images, images, keras.ops.ones((5, 8)) / 8).shape
    TensorShape([1, 4, 4, 8])

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section 2.1
    """

    def __init__(
        self,
        filters,
        reduction=False,
        after_reduction=False,
        num_nodes=4,
        primitives=PRIMITIVES,
        mixed_op=MixedOp,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.reduction = reduction
        self.after_reduction = after_reduction
        self.num_nodes = num_nodes
        self.primitives = tuple(primitives)
        self.mixed_op = mixed_op_class(mixed_op)
        self.space = CNNSearchSpace(num_nodes, primitives)
        dtype = self.dtype_policy
        preprocess_older = FactorizedReduce if after_reduction else ReLUConvBN
        self.preprocess = [
            preprocess_older(filters, affine=False, name="older", dtype=dtype),
            ReLUConvBN(filters, affine=False, name="newer", dtype=dtype),
        ]
        self.mixed_ops = [
            self.mixed_op(
                len(self.space.outgoing_edges(source)),
                filters,
                strides=2 if reduction and source < 2 else 1,
                primitives=primitives,
                name=f"node{source}",
                dtype=dtype,
            )
            for source in range(num_nodes + 1)
        ]

    def build(self, older_shape, newer_shape, edge_weights_shape):
        self.preprocess[0].build(older_shape)
        self.preprocess[1].build(newer_shape)
        outer = (*newer_shape[:-1], self.filters)
        inner = self.compute_output_shape(older_shape, newer_shape)
        inner = (*inner[:-1], self.filters)
        for source, mixed_op in enumerate(self.mixed_ops):
            mixed_op.build(outer if source < 2 else inner, edge_weights_shape)

    def call(self, older, newer, edge_weights, training=None):
        nodes = [
            preprocess(inputs, training=training)
            for preprocess, inputs in zip(self.preprocess, (older, newer))
        ]
        outgoing = [
            self.space.outgoing_edges(source)
            for source in range(len(self.mixed_ops))
        ]
        edge_weights = keras.ops.take(edge_weights, sum(outgoing, []), axis=0)
        edge_weights = tf.split(edge_weights, [*map(len, outgoing)])
        # The partial sums of all later nodes, concatenated.
        received = 0
        for source, mixed_op in enumerate(self.mixed_ops):
            if source >= 2:
                node, received = tf.split(received, [self.filters, -1], axis=3)
                nodes.append(node)
            received += mixed_op(
                nodes[source], edge_weights[source], training=training
            )
        return tf.concat([*nodes[2:], received], axis=3)

    def compute_output_shape(
        self, older_shape, newer_shape, edge_weights_shape=None
    ):
        strides = 2 if self.reduction else 1
        shape = strided_shape(newer_shape, strides)
        return (*shape[:-1], self.num_nodes * self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "reduction": self.reduction,
            "after_reduction": self.after_reduction,
            "num_nodes": self.num_nodes,
            "primitives": self.primitives,
            "mixed_op": keras.saving.get_registered_name(self.mixed_op),
        }
