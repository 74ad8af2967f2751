"""The paper's rule that derives a cell from probabilities."""

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
