"""The relaxed operation on the edges that leave one node."""

import keras

from tfdarts.genotypes import PRIMITIVES
from tfdarts.layers.alphas import Alphas
from tfdarts.layers.primitives import primitive
from tfdarts.layers.subsample import strided_shape


@keras.saving.register_keras_serializable(package="tfdarts")
class MixedOp(keras.layers.Layer):
    """The weighted sum of all primitives, on each edge out of one node.

    Edges that leave the same node see the same input, so they are one layer.
    With one edge it is the textbook's mixed operation and fits into any Keras
    model.

    Args:
        num_edges: Integer, how many edges leave the node.
        filters: Integer, channels of the input and of each output.
        strides: Integer, `1` or `2`. Defaults to `1`.
        primitives: Sequence of primitive names. Defaults to the eight of the
            paper.

    Call arguments:
        inputs: The node.
        edge_weights: Tensor of shape `(num_edges, len(primitives))`. Without
            it the layer weighs by an `Alphas` layer of its own.

    Input shape:
        4D tensor `(batch, height, width, filters)`.

    Output shape:
        A list of `num_edges` 4D tensors, or for one edge that tensor, of
        shape `(batch, height / strides, width / strides, filters)`, rounded
        up.

    Example:

    >>> mixed_op = MixedOp(num_edges=1, filters=4)
    >>> mixed_op(keras.ops.ones((2, 8, 8, 4))).shape
    TensorShape([2, 8, 8, 4])

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), equation 2
    """

    def __init__(
        self, num_edges, filters, strides=1, primitives=PRIMITIVES, **kwargs
    ):
        super().__init__(**kwargs)
        if set(primitives) <= {"none"}:
            raise ValueError(
                f"A mixed operation needs a primitive besides 'none'. "
                f"Received: primitives={list(primitives)}."
            )
        self.num_edges = num_edges
        self.filters = filters
        self.strides = strides
        self.primitives = tuple(primitives)
        self.edges = [
            [
                primitive(
                    name,
                    filters,
                    strides,
                    search=True,
                    dtype=self.dtype_policy,
                )
                for name in self.primitives
            ]
            for _ in range(num_edges)
        ]
        self.alphas = None

    def build(self, inputs_shape, edge_weights_shape=None):
        if inputs_shape[-1] != self.filters:
            raise ValueError(
                f"The input of a mixed operation must have as many channels "
                f"as the layer has filters, {self.filters}. Received an input "
                f"of shape {inputs_shape}."
            )
        if edge_weights_shape is None:
            self.alphas = Alphas(
                self.num_edges,
                len(self.primitives),
                dtype=self.dtype_policy,
            )
        for operations in self.edges:
            for operation in operations:
                operation.build(inputs_shape)

    def call(self, inputs, edge_weights=None, training=None):
        if edge_weights is None:
            edge_weights = self.alphas.edge_weights()
        edge_weights = keras.ops.cast(edge_weights, self.compute_dtype)
        outputs = [
            self._weighted_sum(inputs, weights, operations, training)
            for weights, operations in zip(
                keras.ops.unstack(edge_weights, self.num_edges), self.edges
            )
        ]
        return outputs if self.num_edges > 1 else outputs[0]

    def _weighted_sum(self, inputs, weights, operations, training):
        """Equation 2 on one edge; what `none` would add is zero."""
        weights = keras.ops.unstack(weights, len(self.primitives))
        return sum(
            weight * operation(inputs, training=training)
            for name, weight, operation in zip(
                self.primitives, weights, operations
            )
            if name != "none"
        )

    def compute_output_shape(self, inputs_shape, edge_weights_shape=None):
        shape = strided_shape(inputs_shape, self.strides)
        return [shape] * self.num_edges if self.num_edges > 1 else shape

    def get_config(self):
        return {
            **super().get_config(),
            "num_edges": self.num_edges,
            "filters": self.filters,
            "strides": self.strides,
            "primitives": self.primitives,
        }
