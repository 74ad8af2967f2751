"""The relaxation that draws the paths of genotypes."""

import keras
import numpy as np
import tensorflow as tf

from tfdarts.layers.alphas import is_allowed
from tfdarts.layers.relaxations import RandomRelaxation
from tfdarts.search_spaces.space_registry import as_space


@keras.saving.register_keras_serializable(package="tfdarts")
class UniformPath(RandomRelaxation):
    """The path of a genotype that is drawn uniformly from a search space.

    In each pass, in training and outside of it, each node keeps as many edges
    as in a genotype. A kept edge has the weight 1 for one primitive; all other
    weights are 0. Alphas only say which primitives an edge may have. The
    gradient of an alpha is that of its weight.

    Args:
        space: Search space of the supernet, or its config.
        seed: Integer. Defaults to a seed drawn from Keras' global seed.

    Example:

    >>> space = tfdarts.CNNSearchSpace(num_nodes=2)
    >>> path = UniformPath(space, seed=0).weights_of(tf.zeros((5, 8)))
    >>> int(tf.reduce_sum(path))
    4

    Reference:

    - [Li and Talwalkar, 2019](https://arxiv.org/abs/1902.07638), section 3.2
    """

    def __init__(self, space, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        self.space = as_space(space)
        nodes = np.array([node for node, _ in self.space.edges])
        self._same_node = nodes[:, np.newaxis] == nodes
        self._num_kept = np.array([*map(self.space.num_kept, nodes)])
        self._in_genotypes = np.array(
            [
                name != "none" or self.space.derive_none
                for name in self.space.primitives
            ]
        )

    def weights_of(self, alpha, training=False):
        usable = is_allowed(alpha) & self._in_genotypes
        is_connected = tf.reduce_any(usable, axis=1)
        keys = keras.random.uniform(
            (alpha.shape[0], alpha.shape[1] + 1),
            seed=self.seed_generator,
            dtype="float32",
        )
        # The kept edges of a node are those of the smallest keys.
        keys_of_edges = tf.where(is_connected, keys[:, -1], 2.0)
        position = tf.argsort(tf.argsort(keys_of_edges))
        is_before = position[tf.newaxis] < position[:, tf.newaxis]
        rank = tf.math.count_nonzero(is_before & self._same_node, axis=1)
        is_kept = (rank < self._num_kept) & is_connected
        drawn = tf.argmax(tf.where(usable, keys[:, :-1], -1.0), axis=1)
        path = tf.one_hot(drawn, alpha.shape[1], dtype=alpha.dtype)
        path *= tf.cast(is_kept, alpha.dtype)[:, tf.newaxis]
        # The difference is exactly 0; only its gradient counts.
        return path + (alpha - tf.stop_gradient(alpha))

    def probabilities(self, alpha):
        """Returns the probabilities that paths have the primitives.

        Args:
            alpha: Array `(num_edges, num_primitives)`.

        Returns:
            NumPy array of the same shape, float64.
        """
        usable = is_allowed(alpha).numpy() & self._in_genotypes
        connected = self._same_node @ usable.any(axis=1).astype(int)
        of_edge = self._num_kept / np.maximum(connected, self._num_kept)
        choices = np.maximum(usable.sum(axis=1), 1)
        return usable * (of_edge / choices)[:, np.newaxis]

    def get_config(self):
        return {**super().get_config(), "space": self.space.get_config()}
