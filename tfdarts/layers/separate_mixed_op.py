"""Mixed operations on edges that have different primitives."""

import itertools

import keras
import numpy as np
import tensorflow as tf

from tfdarts.genotypes import PRIMITIVES
from tfdarts.layers.mixed_op import as_mixed_op
from tfdarts.layers.mixed_op import mixed_op_config
from tfdarts.layers.subsample import strided_shape


@keras.saving.register_keras_serializable(package="tfdarts")
class SeparateMixedOp(keras.layers.Layer):
    """A mixed operation for each edge out of one node, of its own primitives.

    Primitives that an edge may not have are not computed.

    Args:
        mixed_op: Class of layers like `MixedOp`; see `CNNSupernet`.
        mask: Boolean array `(num_edges, len(primitives))`, the primitives that
            each edge has.
        num_edges, filters, strides, primitives: See `MixedOp`.

    Call arguments:
        inputs: The node.
        edge_weights: Tensor of shape `(num_edges, len(primitives))`.

    Input shape, output shape:
        See `MixedOp`.

    Example:

    >>> from tfdarts.layers.mixed_op import MixedOp
    >>> names, mask = ("skip_connect", "max_pool_3x3"), [[1, 0], [0, 1]]
    >>> mixed_op = SeparateMixedOp(MixedOp, mask, 2, 4, primitives=names)
    >>> images = keras.ops.ones((2, 8, 8, 4))
    >>> mixed_op(images, keras.ops.ones((2, 2))).shape
    TensorShape([2, 8, 8, 8])
    """

    def __init__(
        self,
        mixed_op,
        mask,
        num_edges,
        filters,
        strides=1,
        primitives=PRIMITIVES,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.mixed_op = as_mixed_op(mixed_op)
        self.mask = np.asarray(mask, bool)
        self.num_edges = num_edges
        self.filters = filters
        self.strides = strides
        self.primitives = tuple(primitives)
        self.mixed_ops = [
            self.mixed_op(
                1,
                filters,
                strides=strides,
                primitives=[*itertools.compress(self.primitives, row)],
                name=f"edge{edge}",
                dtype=self.dtype_policy,
            )
            for edge, row in enumerate(self.mask)
        ]

    def build(self, inputs_shape, edge_weights_shape):
        for mixed_op in self.mixed_ops:
            mixed_op.build(inputs_shape, edge_weights_shape)

    def call(self, inputs, edge_weights, training=None):
        outputs = []
        for edge, mixed_op in enumerate(self.mixed_ops):
            columns = np.flatnonzero(self.mask[edge])
            weights = tf.gather(edge_weights[edge], columns)[tf.newaxis]
            outputs.append(mixed_op(inputs, weights, training=training))
        return tf.concat(outputs, axis=3)

    def compute_only(self, allowed: np.ndarray) -> None:
        """Leaves out primitives; see `MixedOp.compute_only`."""
        for edge, mixed_op in enumerate(self.mixed_ops):
            mixed_op.compute_only(allowed[[edge]][:, self.mask[edge]])

    def operation_of(self, edge: int, name: str) -> keras.Layer:
        """Returns the layer of a primitive; see `MixedOp.operation_of`."""
        return self.mixed_ops[edge].operation_of(0, name)

    def compute_output_shape(self, inputs_shape, edge_weights_shape=None):
        shape = strided_shape(inputs_shape, self.strides)
        return (*shape[:-1], self.num_edges * self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "mixed_op": mixed_op_config(self.mixed_op),
            "mask": self.mask.tolist(),
            "num_edges": self.num_edges,
            "filters": self.filters,
            "strides": self.strides,
            "primitives": self.primitives,
        }
