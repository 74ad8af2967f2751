"""A mixed operation whose edges are dropped at random in training."""

import keras
import numpy as np

from tfdarts.genotypes import PRIMITIVES
from tfdarts.layers.drop_path import DropPath
from tfdarts.layers.mixed_op import MixedOp
from tfdarts.layers.mixed_op import as_mixed_op
from tfdarts.layers.mixed_op import mixed_op_config


@keras.saving.register_keras_serializable(package="tfdarts")
class DropPathMixedOp(keras.layers.Layer):
    """Another mixed operation, with drop path on each of its edges.

    The rate is that of the layer `drop_path`, 0 until you assign another one.

    Args:
        num_edges, filters, strides, primitives: See `MixedOp`.
        mixed_op: Class of layers like `MixedOp`; see `CNNSupernet`. Defaults
            to `MixedOp`.
        seed: Integer; see `DropPath`.

    Call arguments:
        inputs: The node.
        edge_weights: See `MixedOp`.

    Input shape, output shape:
        See `MixedOp`.

    Example:

    >>> mixed_op = DropPathMixedOp(num_edges=2, filters=4)
    >>> images = keras.ops.ones((2, 8, 8, 4))
    >>> mixed_op(images, keras.ops.ones((2, 8)), training=True).shape
    TensorShape([2, 8, 8, 8])

    Reference:

    - [Zela et al., 2020](https://arxiv.org/abs/1909.09656), section 5
    """

    def __init__(
        self,
        num_edges,
        filters,
        strides=1,
        primitives=PRIMITIVES,
        mixed_op=MixedOp,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.class_of_mixed_op = as_mixed_op(mixed_op)
        self.mixed_op = self.class_of_mixed_op(
            num_edges,
            filters,
            strides=strides,
            primitives=primitives,
            name="mixed_op",
            dtype=self.dtype_policy,
        )
        self.num_edges = num_edges
        self.filters = filters
        self.strides = strides
        self.primitives = tuple(primitives)
        self.drop_path = DropPath(seed, dtype=self.dtype_policy)

    def build(self, inputs_shape, edge_weights_shape=None):
        self.mixed_op.build(inputs_shape, edge_weights_shape)

    @property
    def alphas(self):
        """The `Alphas` that the layer owns, or `None`."""
        return self.mixed_op.alphas

    def call(self, inputs, edge_weights=None, training=None):
        outputs = self.mixed_op(inputs, edge_weights, training=training)
        return self.drop_path(
            outputs, training=training, num_paths=self.num_edges
        )

    def compute_only(self, allowed: np.ndarray) -> None:
        """Leaves out primitives; see `MixedOp.compute_only`."""
        self.mixed_op.compute_only(allowed)

    def operation_of(self, edge: int, name: str) -> keras.Layer:
        """Returns the layer of a primitive; see `MixedOp.operation_of`."""
        return self.mixed_op.operation_of(edge, name)

    def compute_output_shape(self, inputs_shape, edge_weights_shape=None):
        return self.mixed_op.compute_output_shape(inputs_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "num_edges": self.num_edges,
            "filters": self.filters,
            "strides": self.strides,
            "primitives": self.primitives,
            "mixed_op": mixed_op_config(self.class_of_mixed_op),
            "seed": self.drop_path.seed,
        }
