"""The convolutional cell of the supernet."""

import functools

import keras
import tensorflow as tf

from tfdarts.genotypes import PRIMITIVES
from tfdarts.layers.constants import shared_constant
from tfdarts.layers.convolutions import FactorizedReduce
from tfdarts.layers.convolutions import ReLUConvBN
from tfdarts.layers.mixed_op import MixedOp
from tfdarts.layers.mixed_op import as_mixed_op
from tfdarts.layers.mixed_op import mixed_op_config
from tfdarts.layers.separate_mixed_op import SeparateMixedOp
from tfdarts.layers.subsample import strided_shape
from tfdarts.search_spaces.cnn import CNNSearchSpace
from tfdarts.search_spaces.space_registry import as_space


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
        mixed_op: Class of layers like `MixedOp`; see `CNNSupernet`.
            Defaults to `MixedOp`.
        space: Search space, or its config; then `num_nodes` and `primitives`
            are those of the space. Defaults to the paper's.

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
        space=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.reduction = reduction
        self.after_reduction = after_reduction
        self.mixed_op = as_mixed_op(mixed_op)
        self.space = as_space(space) or CNNSearchSpace(num_nodes, primitives)
        self.num_nodes = self.space.num_nodes
        self.primitives = self.space.primitives
        dtype = self.dtype_policy
        preprocess_older = FactorizedReduce if after_reduction else ReLUConvBN
        self.preprocess = [
            preprocess_older(filters, affine=False, name="older", dtype=dtype),
            ReLUConvBN(filters, affine=False, name="newer", dtype=dtype),
        ]
        self.mixed_ops = make_mixed_ops(
            self.mixed_op,
            self.space,
            filters,
            self.space.mask("reduce" if reduction else "normal"),
            strides_of_inputs=2 if reduction else 1,
            dtype=dtype,
        )

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
        outputs = compute_nodes(
            self.mixed_ops, self.space, nodes, edge_weights, training
        )
        return tf.concat(outputs, axis=3)

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
            "space": self.space.get_config(),
            "mixed_op": mixed_op_config(self.mixed_op),
        }


def make_mixed_ops(
    mixed_op, space, filters, mask, strides_of_inputs=1, dtype=None
):
    """Returns the mixed operations on the edges out of each node of a cell.

    Args:
        mixed_op: Class of layers like `MixedOp`.
        space: Search space.
        filters: Integer, channels of each node.
        mask: Boolean array, which primitives each edge may have.
        strides_of_inputs: Integer, the strides of the edges out of inputs.
        dtype: Dtype policy of the layers.
    """
    layers = []
    for source in range(space.nodes[-1]):
        own_mask = mask[space.outgoing_edges(source)]
        make = mixed_op
        if not own_mask.all():
            make = functools.partial(SeparateMixedOp, mixed_op, own_mask)
        is_input = source < space.structure.num_inputs
        layers.append(
            make(
                len(own_mask),
                filters,
                strides=strides_of_inputs if is_input else 1,
                primitives=space.primitives,
                name=f"node{source}",
                dtype=dtype,
            )
        )
    return layers


def compute_nodes(mixed_ops, space, inputs, edge_weights, training):
    """Returns the intermediate nodes of a cell, a list of tensors.

    Args:
        mixed_ops: The result of `make_mixed_ops`.
        space: Search space.
        inputs: List of 4D tensors, the inputs of the cell.
        edge_weights: Tensor `(edges, primitives)`.
        training: Boolean.
    """
    nodes = [*inputs]
    outgoing = [
        space.outgoing_edges(source) for source in range(len(mixed_ops))
    ]
    edge_weights = keras.ops.take(edge_weights, sum(outgoing, []), axis=0)
    edge_weights = tf.split(edge_weights, [*map(len, outgoing)])
    # The partial sums of all later nodes, concatenated.
    received = 0
    for source, mixed_op in enumerate(mixed_ops):
        if source >= len(inputs):
            sizes = shared_constant([mixed_op.filters, -1], tf.int32)
            node, received = tf.split(received, sizes, axis=3, num=2)
            nodes.append(node)
        received += mixed_op(
            nodes[source], edge_weights[source], training=training
        )
    return [*nodes[len(inputs) :], received]
