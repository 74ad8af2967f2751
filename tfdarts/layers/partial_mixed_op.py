"""A mixed operation that computes only a part of the channels."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from tfdarts.genotypes import PRIMITIVES
from tfdarts.layers.constants import shared_constant
from tfdarts.layers.convolutions import LAYOUT
from tfdarts.layers.edge_functions import pointwise
from tfdarts.layers.mixed_op import MixedOp
from tfdarts.layers.node_edges import NodeEdges


@keras.saving.register_keras_serializable(package="tfdarts")
class PartialMixedOp(NodeEdges):
    """A mixed operation on the first channels; the others bypass it.

    On each edge the first `filters / channel_parts` channels pass through the
    primitives, as in `MixedOp`. The other channels are multiplied by the sum
    of the weights of the edge, which is 1 without edge normalization; at
    stride 2, 2x2 max pooling comes first. At the end the channels are
    shuffled, so that the next mixed operation computes others.

    Args:
        num_edges: Integer, how many edges leave the node.
        filters: Integer, channels of the input and of each output.
        strides: Integer, `1` or `2`. Defaults to `1`.
        primitives: Sequence of primitive names. Defaults to the eight of the
            paper.
        channel_parts: Integer, at least `2`. Defaults to `4`.

    Call arguments:
        inputs: The node.
        edge_weights: Tensor of shape `(num_edges, len(primitives))`. By
            default the layer owns an `Alphas` layer and uses its weights.

    Input shape:
        4D tensor `(batch, height, width, filters)`.

    Output shape:
        See `MixedOp`.

    Raises:
        ValueError: If `channel_parts` is below 2, or the filters are no
            multiple of it or too few.

    Example:

    >>> mixed_op = PartialMixedOp(num_edges=1, filters=8, strides=2)
    >>> mixed_op(keras.ops.ones((2, 8, 8, 8))).shape
    TensorShape([2, 4, 4, 8])

    Reference:

    - [Xu et al., 2020](https://arxiv.org/abs/1907.05737), section 3.2, and
      their code
    """

    def __init__(
        self,
        num_edges: int,
        filters: int,
        strides: int = 1,
        primitives: Sequence[str] = PRIMITIVES,
        channel_parts: int = 4,
        **kwargs,
    ):
        super().__init__(num_edges, filters, strides, primitives, **kwargs)
        if channel_parts < 2:
            raise ValueError(
                "`channel_parts` must be at least 2: with 1, use a MixedOp. "
                f"Received: {channel_parts}."
            )
        if filters % channel_parts or filters < 2 * channel_parts:
            raise ValueError(
                "A partial mixed operation splits the channels into "
                "`channel_parts` equal parts of at least 2 channels. "
                f"Received: filters={filters}, channel_parts={channel_parts}."
            )
        self.channel_parts = channel_parts
        dtype = self.dtype_policy
        self.mixed_op = MixedOp(
            num_edges,
            filters // channel_parts,
            strides,
            primitives,
            name="mixed_op",
            dtype=dtype,
        )
        self.pooling = keras.layers.MaxPooling2D(
            2, padding="same", dtype=dtype, **LAYOUT
        )

    def build(self, inputs_shape, edge_weights_shape=None):
        self.require_filters(inputs_shape)
        first_shape = (*inputs_shape[:-1], self.mixed_op.filters)
        self.mixed_op.build(first_shape, edge_weights_shape)

    @property
    def alphas(self):
        """The `Alphas` that the layer owns, or `None`."""
        return self.mixed_op.alphas

    def call(self, inputs, edge_weights=None, training=None):
        if edge_weights is None:
            edge_weights = self.alphas.edge_weights(training)
        first, others = tf.split(inputs, [self.mixed_op.filters, -1], axis=3)
        outputs = self.mixed_op(first, edge_weights, training=training)
        if self.strides == 2:
            others = self.pooling(others)
        # One product scales and shuffles; transposing channels is slower.
        return pointwise(
            tf.concat([outputs, others], axis=3), self._kernel(edge_weights)
        )

    def _kernel(self, edge_weights):
        """Returns the matrix that scales, copies and shuffles the channels.

        The rows are the outputs of each edge, and the bypassing channels,
        which the edges share.
        """
        edges, parts = self.num_edges, self.channel_parts
        order = np.arange(self.filters).reshape(parts, -1).T.ravel()
        shuffle = np.eye(self.filters)[:, order]
        first, others = np.split(shuffle, [self.mixed_op.filters])
        dtype = self.compute_dtype
        own = shared_constant(np.kron(np.eye(edges), first), dtype)
        sums = tf.cast(tf.reduce_sum(edge_weights, axis=1), dtype)
        shared = shared_constant(others[:, np.newaxis], dtype)
        shared = tf.reshape(
            shared * sums[:, tf.newaxis], [len(others), own.shape[1]]
        )
        return tf.concat([own, shared], axis=0)

    def compute_only(self, allowed: np.ndarray) -> None:
        """Leaves out primitives; see `MixedOp.compute_only`."""
        self.mixed_op.compute_only(allowed)

    def operation_of(self, edge: int, name: str) -> keras.Layer:
        """Returns the layer of a primitive; see `MixedOp.operation_of`."""
        return self.mixed_op.operation_of(edge, name)

    def get_config(self):
        return {**super().get_config(), "channel_parts": self.channel_parts}
