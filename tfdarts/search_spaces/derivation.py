"""The paper's rule that derives a cell from probabilities, and its inverse."""

import numpy as np


def derive_cell(space, cell_type, probabilities):
    """Returns the edges of each node of a derived cell, a list.

    Args:
        space: `CellSearchSpace`.
        cell_type: String.
        probabilities: Array of shape `space.alpha_shape`.

    Raises:
        ValueError: If the shape is wrong, or a number is negative or not
            finite.

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section 2.4
    """
    probabilities = np.asarray(probabilities, dtype="float64")
    good = np.isfinite(probabilities) & (probabilities >= 0)
    if probabilities.shape != space.alpha_shape or not good.all():
        raise ValueError(
            f"The probabilities of the {cell_type} cell must be finite "
            f"numbers of shape {space.alpha_shape}, none below 0; raw "
            f"alphas need a softmax first. Received shape "
            f"{probabilities.shape}, {good.sum()} of them finite and not "
            f"below 0."
        )
    probabilities = np.where(space.mask(cell_type), probabilities, -1)
    operations = np.array([name != "none" for name in space.primitives])
    choices = operations | space.derive_none
    best = np.where(choices, probabilities, -2).argmax(axis=1)
    strength = probabilities[:, operations].max(axis=1)
    nodes = []
    for node in space.nodes:
        incoming = [e for e, (to, _) in enumerate(space.edges) if to == node]
        if space.edges_per_node != "all":
            incoming.sort(key=lambda edge: -strength[edge])
        nodes.append(
            [
                (space.primitives[best[edge]], space.edges[edge][1])
                for edge in incoming[: space.num_kept(node)]
            ]
        )
    return nodes


def edge_weights_of(space, genotype):
    """Returns the edge weights that compute a genotype alone, a dict.

    The arrays by cell type, of shape `space.alpha_shape`, are 1 for the
    primitives of the genotype, otherwise 0.

    Args:
        space: `CellSearchSpace`.
        genotype: `Genotype` of this space.

    Example:

    >>> space = tfdarts.CNNSearchSpace()
    >>> genotype = space.sample(seed=0)
    >>> space.derive(edge_weights_of(space, genotype)) == genotype
    True
    """
    weights = {}
    for cell_type, cell in genotype.cells.items():
        weights[cell_type] = np.zeros(space.alpha_shape)
        for node, edges in zip(space.nodes, cell.nodes):
            for name, source in edges:
                edge = space.edges.index((node, source))
                weights[cell_type][edge, space.primitives.index(name)] = 1
    return weights
