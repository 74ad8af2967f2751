"""The relaxation whose alphas are logarithms of a policy's probabilities."""

import keras
import numpy as np
import tensorflow as tf

from tfdarts.layers.path_relaxation import PathRelaxation


@keras.saving.register_keras_serializable(package="tfdarts")
class LikeliestPath(PathRelaxation):
    """The path of the primitives that a policy draws most often.

    The alphas are the logarithms of the probabilities that paths of the policy
    have the primitives. They do not learn; a search that trains a policy
    assigns them. The weights are those of the genotype that is derived from
    these probabilities.

    Args:
        space: Search space of the supernet, or its config.

    Example:

    >>> space = tfdarts.CNNSearchSpace(1, ("skip_connect", "max_pool_3x3"))
    >>> alpha = tf.math.log([[0.9, 0.1], [0.3, 0.7]])
    >>> LikeliestPath(space).weights_of(alpha).numpy()
    array([[1., 0.],
           [0., 1.]], dtype=float32)

    Reference:

    - [Pham et al., 2018](https://arxiv.org/abs/1802.03268)
    """

    def weights_of(self, alpha, training=False):
        strength = tf.boolean_mask(alpha, self._operations, axis=1)
        return self._highest(alpha, tf.reduce_max(strength, axis=1), alpha)

    def probabilities(self, alpha):
        """Returns the probabilities that paths have the primitives.

        Args:
            alpha: Array `(num_edges, num_primitives)`.

        Returns:
            NumPy array of the same shape, float64.
        """
        alpha = np.asarray(keras.ops.convert_to_numpy(alpha), "float64")
        # The alpha of the only primitive of a decided edge is positive.
        return self._usable(alpha).numpy() * np.exp(np.minimum(alpha, 0))
