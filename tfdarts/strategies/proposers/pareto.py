"""Non-dominated sorting and crowding distances, for objectives to minimize."""

from collections.abc import Sequence

import numpy as np


def dominates(values: np.ndarray) -> np.ndarray:
    """Returns which points dominate which others, a boolean matrix.

    A point dominates another if it is as good in all objectives and better in
    one.

    Args:
        values: Array `(points, objectives)`, the lower the better.
    """
    values = np.asarray(values, "float64")
    as_good = (values[:, np.newaxis] <= values).all(axis=-1)
    return as_good & (values[:, np.newaxis] < values).any(axis=-1)


def front_of(values: np.ndarray) -> np.ndarray:
    """Returns the positions of the points that no other dominates.

    Args:
        values: See `dominates`.

    Example:

    >>> front_of([[1, 5], [2, 2], [3, 3], [5, 1]]).tolist()
    [0, 1, 3]
    """
    return np.flatnonzero(~dominates(values).any(axis=0))


def sort_into_fronts(values: np.ndarray) -> np.ndarray:
    """Returns the number of the front of each point, from 0.

    The first front are the points that no other dominates, the second those
    that only points of the first dominate, and so on.

    Args:
        values: See `dominates`.

    Example:

    >>> sort_into_fronts([[1, 5], [2, 2], [3, 3], [4, 4]]).tolist()
    [0, 0, 1, 2]

    Reference:

    - [Deb et al., 2002](https://doi.org/10.1109/4235.996017), section III.A
    """
    matrix = dominates(values)
    numbers = np.full(len(matrix), -1)
    number = 0
    while (numbers < 0).any():
        left = np.flatnonzero(numbers < 0)
        inside = matrix[np.ix_(left, left)]
        numbers[left[~inside.any(axis=0)]] = number
        number += 1
    return numbers


def crowding_distances(values: np.ndarray) -> np.ndarray:
    """Returns how far the neighbors of each point of a front are.

    For each objective, the distance between both neighbors of a point is added
    as a share of the whole range. The outermost points get infinity.

    Args:
        values: Array `(points, objectives)`, of one front.

    Example:

    >>> crowding_distances([[0, 4], [1, 2], [4, 0]]).tolist()
    [inf, 2.0, inf]

    Reference:

    - [Deb et al., 2002](https://doi.org/10.1109/4235.996017), section III.B
    """
    values = np.asarray(values, "float64")
    distances = np.zeros(len(values))
    for column in values.T:
        order = np.argsort(column, kind="stable")
        ordered = column[order]
        span = ordered[-1] - ordered[0]
        if span:
            distances[order[1:-1]] += (ordered[2:] - ordered[:-2]) / span
        distances[order[[0, -1]]] = np.inf
    return distances


def crowded_order(values: Sequence[Sequence[float]]) -> list[int]:
    """Returns the positions of points, the best first.

    A point of an earlier front is better, and in one front the point with more
    distant neighbors. Of equal points, the first is better.

    Args:
        values: See `dominates`.

    Reference:

    - [Deb et al., 2002](https://doi.org/10.1109/4235.996017), section III.B,
      the crowded comparison
    """
    values = np.asarray(values, "float64")
    fronts = sort_into_fronts(values)
    distances = np.zeros(len(values))
    for number in range(fronts.max(initial=-1) + 1):
        own = np.flatnonzero(fronts == number)
        distances[own] = crowding_distances(values[own])
    return [int(each) for each in np.lexsort((-distances, fronts))]
