"""The base of the layers on the edges that leave one node."""

import keras

from tfdarts.layers.subsample import strided_shape


class NodeEdges(keras.layers.Layer):
    """A layer on the edges that leave one node; see `MixedOp`.

    Args:
        num_edges: Integer, how many edges leave the node.
        filters: Integer, channels of the input and of each output.
        strides: Integer, `1` or `2`.
        primitives: Sequence of primitive names.

    Raises:
        ValueError: If there is no primitive besides `none`.
    """

    def __init__(self, num_edges, filters, strides, primitives, **kwargs):
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

    def require_filters(self, inputs_shape):
        """Raises `ValueError` if the input has another number of channels."""
        if inputs_shape[-1] != self.filters:
            raise ValueError(
                f"The input of a mixed operation must have as many channels "
                f"as the layer has filters, {self.filters}. Received an input "
                f"of shape {inputs_shape}."
            )

    def compute_output_shape(self, inputs_shape, edge_weights_shape=None):
        shape = strided_shape(inputs_shape, self.strides)
        return (*shape[:-1], self.num_edges * self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "num_edges": self.num_edges,
            "filters": self.filters,
            "strides": self.strides,
            "primitives": self.primitives,
        }
