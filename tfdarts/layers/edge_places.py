"""Where the weights of single edges lie in layers of several edges."""

import numpy as np


def places_of_edges(bundle):
    """Returns where the weights of each edge of a bundle lie.

    A bundle knows the values of an edge's weights, so the values are replaced
    by their places for a moment.

    Args:
        bundle: `tfdarts.Bundle`, built.

    Returns:
        List with a list of integer arrays for each edge, in the shapes of the
        weights of the edge's own layer: places in all values of
        `bundle.weights`, one after the other.
    """
    variables = bundle.weights
    values = [variable.numpy() for variable in variables]
    sizes = [value.size for value in values]
    starts = np.cumsum([0, *sizes])
    try:
        for variable, value, first in zip(variables, values, starts):
            places = first + np.arange(value.size).reshape(value.shape)
            variable.assign(places.astype(value.dtype))
        edges = [bundle.weights_of(edge) for edge in range(bundle.num_edges)]
    finally:
        for variable, value in zip(variables, values):
            variable.assign(value)
    return [[array.astype(int) for array in arrays] for arrays in edges]


def assign_edge(bundle, places, arrays):
    """Assigns the weights of one edge of a bundle.

    Args:
        bundle: `tfdarts.Bundle`.
        places: The edge's entry of `places_of_edges`.
        arrays: List of arrays in the same shapes.
    """
    values = [variable.numpy() for variable in bundle.weights]
    flat = np.concatenate([np.ravel(value) for value in values])
    for where, array in zip(places, arrays, strict=True):
        flat[where] = array
    cuts = np.cumsum([value.size for value in values])[:-1]
    for variable, part in zip(bundle.weights, np.split(flat, cuts)):
        variable.assign(part.reshape(variable.shape).astype(variable.dtype))
