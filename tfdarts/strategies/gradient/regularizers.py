"""What is added to the loss of alpha."""

from collections.abc import Sequence

import tensorflow as tf

from tfdarts.layers.alphas import EXCLUDED


class Beta:
    """The weighted mean of the logsumexp of the alphas of each edge.

    Its gradient is the softmax: it lowers large weights more than small ones.

    Args:
        weight: Float. You may assign the attribute `weight` between steps.

    Example:

    >>> round(float(Beta(weight=2.0)([tf.zeros((14, 8))])), 4)  # 2 log 8
    4.1589

    Reference:

    - [Ye et al., 2022](https://arxiv.org/abs/2203.01665), equation 14; the
      weight grows with the epochs
    """

    def __init__(self, weight: float = 0.0):
        self.weight = weight

    def __call__(self, alphas: Sequence[tf.Tensor]) -> tf.Tensor:
        values = [tf.reduce_logsumexp(alpha, axis=-1) for alpha in alphas]
        return self.weight * tf.reduce_mean(tf.concat(values, axis=0))


class ZeroOne:
    """The negative weighted mean square of the distance of sigmoids from 1/2.

    Args:
        weight: Float.

    Example:

    >>> float(ZeroOne(weight=10.0)([tf.fill((14, 8), 100.0)]))
    -2.5

    Reference:

    - [Chu et al., 2020](https://arxiv.org/abs/1911.12126), equation 4
    """

    def __init__(self, weight: float):
        self.weight = weight

    def __call__(self, alphas: Sequence[tf.Tensor]) -> tf.Tensor:
        squares = [
            tf.reshape(tf.square(tf.sigmoid(alpha) - 0.5), [-1])
            for alpha in alphas
        ]
        return -self.weight * tf.reduce_mean(tf.concat(squares, axis=0))


class KullbackLeibler:
    """The divergence of Dirichlet distributions from the uniform one.

    The concentrations are `elu(alpha) + 1`, as those of
    `tfdarts.layers.relaxations.Dirichlet`. The divergences of all edges are
    summed and weighted.

    Args:
        weight: Float.

    Example:

    >>> float(KullbackLeibler(weight=1.0)([tf.zeros((14, 8))]))
    0.0

    Reference:

    - [Chen et al., 2021](https://arxiv.org/abs/2006.10355), section 3.2, and
      their code
    """

    def __init__(self, weight: float):
        self.weight = weight

    def __call__(self, alphas: Sequence[tf.Tensor]) -> tf.Tensor:
        return self.weight * tf.add_n([_from_uniform(a) for a in alphas])


def _from_uniform(alpha):
    """Returns the sum of the divergences of all edges."""
    allowed = alpha > EXCLUDED / 2
    # A concentration of 1 adds nothing to the sums below.
    own = tf.where(allowed, tf.nn.elu(alpha) + 1, 1)
    total = tf.reduce_sum(tf.where(allowed, own, 0), axis=-1)
    count = tf.reduce_sum(tf.cast(allowed, alpha.dtype), axis=-1)
    logs = tf.math.digamma(own) - tf.math.digamma(total)[:, tf.newaxis]
    return tf.reduce_sum(
        tf.math.lgamma(total)
        - tf.math.lgamma(count)
        + tf.reduce_sum((own - 1) * logs - tf.math.lgamma(own), axis=-1)
    )
