"""The relaxation that draws the paths of genotypes."""

import keras
import numpy as np

from tfdarts.layers.path_relaxation import PathRelaxation
from tfdarts.layers.relaxations import RandomRelaxation


@keras.saving.register_keras_serializable(package="tfdarts")
class UniformPath(RandomRelaxation, PathRelaxation):
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
        super().__init__(seed, space=space, **kwargs)

    def weights_of(self, alpha, training=False):
        keys = keras.random.uniform(
            (alpha.shape[0], alpha.shape[1] + 1),
            seed=self.seed_generator,
            dtype="float32",
        )
        # The kept edges of a node are those of the smallest keys.
        return self._highest(alpha, -keys[:, -1], keys[:, :-1])

    def probabilities(self, alpha):
        """Returns the probabilities that paths have the primitives.

        Args:
            alpha: Array `(num_edges, num_primitives)`.

        Returns:
            NumPy array of the same shape, float64.
        """
        usable = self._usable(alpha).numpy()
        connected = self._same_node @ usable.any(axis=1).astype(int)
        of_edge = self._num_kept / np.maximum(connected, self._num_kept)
        choices = np.maximum(usable.sum(axis=1), 1)
        return usable * (of_edge / choices)[:, np.newaxis]
