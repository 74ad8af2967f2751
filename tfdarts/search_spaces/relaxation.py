"""The relaxation of a discrete choice, in NumPy."""

import numpy as np


def log_softmax(alphas):
    """Returns the logarithms of the relaxed weights, over the last axis.

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), equation 2
    """
    alphas = np.asarray(alphas, dtype="float64")
    shifted = alphas - alphas.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


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
    logarithms = log_softmax(alphas)
    return float(-(np.exp(logarithms) * logarithms).sum(axis=-1).mean())
