"""Rules that derive a genotype from probabilities.

Each rule is a function of a search space and a dict of probabilities by cell
type. The rule of DARTS is `CellSearchSpace.derive` itself.
"""

import copy
from collections.abc import Mapping

import numpy as np

from tfdarts.cells import Cell
from tfdarts.genotypes import Genotype
from tfdarts.search_spaces.cell_space import CellSearchSpace


def derive_all_edges(
    space: CellSearchSpace, probabilities: Mapping[str, np.ndarray]
) -> Genotype:
    """Returns the genotype that keeps all edges.

    Each edge gets its most probable primitive, `"none"` included.

    Args:
        space: The search space.
        probabilities: Dict from cell types to arrays `(edges, primitives)`.

    Example:

    >>> space = tfdarts.CNNSearchSpace(2, ("none", "skip_connect"))
    >>> ones = np.tile([0.2, 0.8], (5, 1))
    >>> found = derive_all_edges(space, {"normal": ones, "reduce": ones})
    >>> [len(edges) for edges in found.cells["normal"].nodes]
    [2, 3]

    Reference:

    - [Xie et al., 2019](https://arxiv.org/abs/1812.09926)
    """
    wide = copy.copy(space)
    wide.edges_per_node = "all"
    wide.derive_none = "none" in space.primitives
    return wide.derive(probabilities)


def derive_above(
    space: CellSearchSpace,
    probabilities: Mapping[str, np.ndarray],
    threshold: float = 0.85,
) -> Genotype:
    """Returns the genotype of the edges with a weight above a threshold.

    Each node keeps at most as many edges as the space says, the strongest
    first, and at least one, because a node without input computes nothing.
    Where the space keeps all edges, the others get `"none"`.

    Args:
        space: The search space.
        probabilities: Dict from cell types to arrays `(edges, primitives)`.
        threshold: Float.

    Reference:

    - [Chu et al., 2020](https://arxiv.org/abs/1911.12126), section 4.2
    """
    keeps_all = space.edges_per_node == "all"
    if keeps_all and not (space.derive_none and "none" in space.primitives):
        raise ValueError(
            "The rule of a threshold chooses edges, but the nodes of this "
            "space keep all of their edges: leave out "
            "--derivation=threshold."
        )
    operations = [name != "none" for name in space.primitives]
    strongest = space.derive(probabilities)
    cells = {}
    for cell_type, cell in strongest.cells.items():
        strength = probabilities[cell_type][:, operations].max(axis=1)
        of_edge = dict(zip(space.edges, strength))
        nodes = []
        for node, edges in zip(space.nodes, cell.nodes):
            kept = [
                (name, source)
                for name, source in edges
                if of_edge[node, source] > threshold
            ] or [edges[0]]
            if keeps_all:
                sources = [source for _, source in kept]
                kept += [
                    ("none", source)
                    for _, source in edges
                    if source not in sources
                ]
            nodes.append(tuple(kept))
        cells[cell_type] = Cell(tuple(nodes), cell.concat)
    return Genotype(cells=cells)
