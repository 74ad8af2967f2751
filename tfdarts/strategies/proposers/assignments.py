"""Many assignment problems with the same rows."""

import numpy as np
from scipy.optimize import linear_sum_assignment


def least_costs(costs, widths):
    """Returns the least cost of assigning rows to columns, for each block.

    Each row has at most one column of a block, and each column one row; as
    many are assigned as there are of the fewer.

    Args:
        costs: Array `(rows, columns)` of blocks side by side.
        widths: Sequence of integers, the columns of each block.

    Returns:
        Array `(blocks,)`.

    Example:

    >>> costs = np.array([[1, 2, 7, 3], [2, 4, 5, 5]])
    >>> least_costs(costs, [2, 2])
    array([4., 8.])
    """
    ends = np.cumsum(widths)
    firsts = ends - widths
    chosen = [
        linear_sum_assignment(costs[:, first:end])
        for first, end in zip(firsts.tolist(), ends.tolist())
    ]
    numbers = np.repeat(np.arange(len(widths)), [len(r) for r, _ in chosen])
    rows = np.concatenate([rows for rows, _ in chosen])
    columns = np.concatenate([columns for _, columns in chosen])
    return np.bincount(
        numbers,
        weights=costs[rows, columns + firsts[numbers]],
        minlength=len(widths),
    )
