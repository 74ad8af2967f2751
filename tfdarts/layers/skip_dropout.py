"""Dropout on the skip connections of a mixed operation."""

import keras

from tfdarts.layers.bundle import Bundle
from tfdarts.layers.drop_path import DropPath
from tfdarts.layers.edge_functions import repeat_channels
from tfdarts.layers.mixed_op import MixedOp


@keras.saving.register_keras_serializable(package="tfdarts")
class SkipDropoutMixedOp(MixedOp):
    """A mixed operation with dropout after its skip connections.

    Skip connections learn fast, so dropout lets alpha explore the others.
    Skips of stride 2, which have weights, have no dropout. The rate is that
    of the layer `SkipDropout`, 0 until you assign another one.

    Args:
        *args, **kwargs: See `MixedOp`.
        seed: Integer; see `DropPath`.

    Example:

    >>> mixed_op = SkipDropoutMixedOp(num_edges=2, filters=4)
    >>> mixed_op(keras.ops.ones((2, 8, 8, 4)), keras.ops.ones((2, 8))).shape
    TensorShape([2, 8, 8, 8])

    Reference:

    - [Chen et al., 2019](https://arxiv.org/abs/1904.12760), section 3.3
    """

    def __init__(self, *args, seed=None, **kwargs):
        self.seed = seed
        super().__init__(*args, **kwargs)

    def _operation(self, name):
        if name != "skip_connect" or self.strides != 1:
            return super()._operation(name)
        return SkipDropout(
            self.num_edges,
            self.filters,
            self.seed,
            name=name,
            dtype=self.dtype_policy,
        )

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable(package="tfdarts")
class SkipDropout(Bundle):
    """A skip connection with dropout on each edge out of a node.

    Args:
        num_edges: Integer.
        filters: Integer, channels of an edge.
        seed: Integer; see `DropPath`.
    """

    def __init__(self, num_edges, filters, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.num_edges = num_edges
        self.filters = filters
        self.dropout = DropPath(seed, dtype=self.dtype_policy)

    @property
    def rate(self):
        """The rate, a variable."""
        return self.dropout.rate

    def build(self, inputs_shape):
        self.dropout.build(inputs_shape)

    def call(self, inputs, scale=None, training=None):
        outputs = repeat_channels(inputs, self.num_edges)
        if training:
            outputs *= self.dropout.factors(outputs, outputs.shape[1:])
        if scale is None:
            return outputs
        return outputs * keras.ops.cast(scale, outputs.dtype)

    def weights_of(self, edge):
        return []

    def compute_output_shape(self, inputs_shape, scale_shape=None):
        return (*inputs_shape[:-1], self.num_edges * self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "num_edges": self.num_edges,
            "filters": self.filters,
            "seed": self.dropout.seed,
        }
