"""The relaxation of a discrete choice, in NumPy."""

import numpy as np


def softmax(alphas):
    """Returns the relaxed weights of raw alphas, over the last axis.

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), equation 2
    """
    alphas = np.asarray(alphas, dtype="float64")
    exponentials = np.exp(alphas - alphas.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def mean_entropy(alphas):
    """Returns the entropy of the relaxed weights, averaged over the edges.

    Args:
        alphas: Array of shape `(edges, primitives)`, raw alphas.

    Returns:
        A float, in nats: `log(primitives)` where nothing has been chosen
        yet, `0` where every edge has settled on one primitive.

    Example:

    >>> round(mean_entropy([[0.0, 0.0], [100.0, 0.0]]), 6)  # log(2) / 2
    0.346574
    """
    weights = softmax(alphas)
    logarithms = np.log(weights, where=weights > 0, out=np.zeros_like(weights))
    return float(-(weights * logarithms).sum(axis=-1).mean())
