"""The paths of genotypes in a supernet, and their scores."""

import numpy as np

from tfdarts.layers.alphas import alphas_of
from tfdarts.search_spaces.derivation import edge_weights_of


def path_of(supernet, genotype):
    """Returns the edge weights of each `Alphas` that compute a genotype alone.

    Args:
        supernet: `Supernet`.
        genotype: `Genotype` of its space.

    Returns:
        List of arrays, in the order of `tfdarts.layers.alphas.alphas_of`.
    """
    by_cell_type = edge_weights_of(supernet.space, genotype)
    by_layer = {
        id(alphas): by_cell_type[cell_type]
        for cell_type, alphas in supernet.alphas.items()
    }
    return [
        by_layer[id(alphas)].astype(alphas.variable_dtype)
        for alphas in alphas_of(supernet)
    ]


def score_path(search, genotype, batches):
    """Returns the score of a genotype's path; NaN is the lowest.

    Args:
        search: Search of a `Supernet`, compiled.
        genotype: `Genotype`.
        batches: Iterable of batches `(x, y)`.
    """
    score = search.score_of(path_of(search.supernet, genotype), batches)
    return -np.inf if np.isnan(score) else score
