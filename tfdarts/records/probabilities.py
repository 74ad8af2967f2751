"""The arrays of each epoch of a search."""

import io
import pathlib

import numpy as np
import scipy.special

from tfdarts.files import write_atomically

PROBABILITIES = "probabilities.npz"


def read_probabilities(directory):
    """Returns the probabilities of a search by epoch, a dict of arrays.

    Version 0.1.0 saved only the alphas, whose softmax is then returned.

    Args:
        directory: Path of the search in the run directory.

    Returns:
        Dict of arrays `(epochs + 1, edges, primitives)`, by cell type.
    """
    directory = pathlib.Path(directory)
    if (directory / PROBABILITIES).exists():
        return read_arrays(directory / PROBABILITIES)
    alphas = read_arrays(directory / "alphas.npz")
    return {
        cell_type: scipy.special.softmax(values.astype("float64"), axis=-1)
        for cell_type, values in alphas.items()
    }


def read_arrays(path):
    """Returns all arrays of an `.npz` file, a dict."""
    with np.load(io.BytesIO(path.read_bytes())) as file:
        return dict(file)


def write_arrays(path, values):
    """Writes lists of arrays to an `.npz` file, stacking each list."""
    file = io.BytesIO()
    np.savez(file, **{name: np.stack(v) for name, v in values.items()})
    write_atomically(path, file.getvalue())
