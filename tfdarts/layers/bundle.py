"""A primitive on all edges that leave one node, computed together.

The channels of the edges are concatenated: with `C` filters, edge `e` has the
channels from `e C` up to `(e + 1) C`. Each edge keeps its own kernels and
batch statistics; a few large operations replace many small ones.
"""

import keras


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


def statistics_of(batch_norm, channels):
    """Returns the moving mean and variance of some channels."""
    moving = batch_norm.moving_mean, batch_norm.moving_variance
    return [statistic.numpy()[channels] for statistic in moving]
