"""The entropy of the choice between primitives."""

import numpy as np
import scipy.special


def largest_entropy(probabilities):
    """Returns the mean over edges of the largest possible entropy, a float.

    Primitives that an edge may not have, whose probability is 0, do not count.

    Args:
        probabilities: Array `(edges, primitives)`.

    Example:

    >>> round(largest_entropy([[0.5, 0.3, 0.2], [0.5, 0.5, 0.0]]), 6)
    0.89588
    """
    counts = (np.asarray(probabilities) > 0).sum(axis=-1)
    return float(np.log(np.maximum(counts, 1)).mean())  # Edges may be cut.


def entropy(probabilities):
    """Returns the entropy of the choice on each edge.

    The probabilities of an edge are divided by their sum: those of sigmoids
    do not sum to 1, and only their ratios rank the primitives.

    Args:
        probabilities: Array `(..., edges, primitives)`.

    Returns:
        Array `(..., edges)`, in nats: `log(primitives)` for equal
        probabilities, `0` for an edge with one certain primitive.

    Example:

    >>> entropy([[0.5, 0.5], [1.0, 0.0]]).round(6)  # log(2), and 0
    array([0.693147, 0.      ])
    """
    probabilities = np.asarray(probabilities, dtype="float64")
    total = probabilities.sum(axis=-1, keepdims=True)
    shares = probabilities / np.maximum(total, np.finfo("float64").tiny)
    return scipy.special.entr(shares).sum(axis=-1)
