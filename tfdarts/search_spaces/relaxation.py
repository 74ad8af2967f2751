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


def entropy(alphas):
    """Returns the entropy of the relaxed weights of each edge.

    Args:
        alphas: Array of shape `(edges, primitives)`, raw alphas.

    Returns:
        Array of shape `(edges,)`, in nats: `log(primitives)` where nothing
        has been chosen yet, `0` where the edge has settled on one primitive.

    Example:

    >>> entropy([[0.0, 0.0], [100.0, 0.0]]).round(6)  # log(2), and 0
    array([0.693147, 0.      ])
    """
    logarithms = log_softmax(alphas)
    return -(np.exp(logarithms) * logarithms).sum(axis=-1)
