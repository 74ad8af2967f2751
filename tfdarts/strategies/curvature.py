"""The curvature of a loss with respect to the architecture."""

import numpy as np
import scipy.sparse.linalg
import tensorflow as tf

TOLERANCE = 1e-3
"""Relative tolerance; the rule asks whether a value grew by more than 1.3."""


def largest_eigenvalue(product, like):
    """Returns the largest eigenvalue of a symmetric matrix, by Lanczos.

    The matrix is given by its product with a vector. A vector is a list of
    tensors here.

    Args:
        product: Function that multiplies the matrix by a list of tensors and
            returns a list of the same shapes.
        like: List of tensors that have the shapes and dtype of a vector.

    Returns:
        A float.

    Example:

    >>> def product(vector):
    ...     return [tf.constant([3.0, 2.0, -9.0]) * vector[0]]
    >>> round(largest_eigenvalue(product, [tf.zeros(3)]), 4)
    3.0

    Reference:

    - [Lanczos, 1950](https://doi.org/10.6028/jres.045.026), in ARPACK
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
    # Not a vector of ones: adding a constant to all alphas of an edge does not
    # change the softmax, so the matrix maps this vector to zeros.
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
