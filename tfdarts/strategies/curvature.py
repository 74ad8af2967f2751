"""How sharply a loss curves in the architecture."""

import numpy as np
import scipy.sparse.linalg
import tensorflow as tf

TOLERANCE = 1e-3
"""Relative; what is asked is whether it grew by more than 1.3."""


def largest_eigenvalue(product, like):
    """Returns the largest eigenvalue of a symmetric matrix, by Lanczos.

    The matrix is known only by what it does to a vector, which is here a list
    of tensors.

    Args:
        product: Function from a list of tensors to one of the same shapes:
            the matrix times it.
        like: List of tensors, of these shapes and dtype.

    Returns:
        A float.

    Example:

    >>> def product(vector):
    ...     return [tf.constant([3.0, 2.0, -9.0]) * vector[0]]
    >>> round(largest_eigenvalue(product, [tf.zeros(3)]), 4)
    3.0

    Reference:

    - [Lanczos, 1950](https://doi.org/10.6028/jres.045.026), as ARPACK has it
    """
    shapes = [tuple(tensor.shape) for tensor in like]
    sizes = [np.prod(shape, dtype=int) for shape in shapes]
    dtype = like[0].dtype.as_numpy_dtype

    def times(vector):
        parts = np.split(vector.astype(dtype), np.cumsum(sizes)[:-1])
        parts = [tf.constant(p.reshape(s)) for p, s in zip(parts, shapes)]
        return np.concatenate([np.ravel(part) for part in product(parts)])

    size = sum(sizes)
    matrix = scipy.sparse.linalg.LinearOperator(
        (size, size), matvec=times, dtype=dtype
    )
    # Not a vector of ones: what is added to all alphas of an edge changes
    # nothing, so that the matrix would make zeros of it.
    start = np.random.default_rng(0).normal(size=size)
    (eigenvalue,) = scipy.sparse.linalg.eigsh(
        matrix,
        k=1,
        which="LA",
        v0=start,
        ncv=min(size, 10),
        tol=TOLERANCE,
        return_eigenvectors=False,
    )
    return float(eigenvalue)
