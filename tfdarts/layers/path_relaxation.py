"""The base class of relaxations whose weights are the path of a genotype."""

import numpy as np
import tensorflow as tf

from tfdarts.layers.alphas import is_allowed
from tfdarts.layers.relaxations import Relaxation
from tfdarts.search_spaces.space_registry import as_space


class PathRelaxation(Relaxation):
    """A relaxation whose weights are the path of a genotype.

    Each node keeps as many edges as in a genotype. A kept edge has the weight
    1 for one primitive; all other weights are 0. A subclass says which.

    Args:
        space: Search space of the supernet, or its config.
    """

    def __init__(self, space, **kwargs):
        super().__init__(**kwargs)
        self.space = as_space(space)
        nodes = np.array([node for node, _ in self.space.edges])
        self._same_node = nodes[:, np.newaxis] == nodes
        self._num_kept = np.array([*map(self.space.num_kept, nodes)])
        self._operations = np.array(
            [name != "none" for name in self.space.primitives]
        )
        self._in_genotypes = self._operations | self.space.derive_none

    def _usable(self, alpha):
        """Returns which primitives the edges of a path may have."""
        return is_allowed(alpha) & self._in_genotypes

    def _highest(self, alpha, edge_scores, primitive_scores):
        """Returns the path of the highest scores.

        The gradient of an alpha is that of its weight.

        Args:
            alpha: Tensor `(num_edges, num_primitives)`.
            edge_scores: Tensor `(num_edges,)`.
            primitive_scores: Tensor `(num_edges, num_primitives)`.
        """
        usable = self._usable(alpha)
        is_connected = tf.reduce_any(usable, axis=1)
        lowest = edge_scores.dtype.min
        edge_scores = tf.where(is_connected, edge_scores, lowest)
        position = tf.argsort(tf.argsort(edge_scores, direction="DESCENDING"))
        is_before = position[tf.newaxis] < position[:, tf.newaxis]
        rank = tf.math.count_nonzero(is_before & self._same_node, axis=1)
        is_kept = (rank < self._num_kept) & is_connected
        scores = tf.where(usable, primitive_scores, lowest)
        chosen = tf.argmax(scores, axis=1)
        path = tf.one_hot(chosen, alpha.shape[1], dtype=alpha.dtype)
        path *= tf.cast(is_kept, alpha.dtype)[:, tf.newaxis]
        # The difference is exactly 0; only its gradient counts.
        return path + (alpha - tf.stop_gradient(alpha))

    def get_config(self):
        return {**super().get_config(), "space": self.space.get_config()}
