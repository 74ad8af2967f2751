"""What is added to the loss of alpha."""

from collections.abc import Sequence

import tensorflow as tf


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
