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
    return keep_all_edges(space).derive(probabilities)


def keep_all_edges(space: CellSearchSpace) -> CellSearchSpace:
    """Returns the space of the genotypes that `derive_all_edges` returns.

    Args:
        space: The search space.
    """
    wide = copy.copy(space)
    wide.edges_per_node = "all"
    wide.derive_none = "none" in space.primitives
    return wide


def derive_few_skips(
    space: CellSearchSpace,
    probabilities: Mapping[str, np.ndarray],
    most: int = 2,
) -> Genotype:
    """Returns the genotype with few skip connections in its first cell.

    While the derived cell has too many, the weakest of its skip connections is
    left out, and the cell is derived again.

    Args:
        space: The search space.
        probabilities: Dict from cell types to arrays `(edges, primitives)`.
        most: Integer, how many skip connections the cell may have. A cell has
            more only where its edges may have nothing else.

    Reference:

    - [Chen et al., 2019](https://arxiv.org/abs/1904.12760), section 3.3, and
      their code
    """
    cell_type = space.cell_types[0]
    own = np.array(probabilities[cell_type], "float64")
    probabilities = {**probabilities, cell_type: own}
    while True:
        genotype = space.derive(probabilities)
        skips = [
            space.edges.index((node, source))
            for node, edges in zip(space.nodes, genotype.cells[cell_type].nodes)
            for name, source in edges
            if name == "skip_connect"
        ]
        if len(skips) <= most:
            return genotype
        column = space.primitives.index("skip_connect")
        weakest = min(sorted(skips), key=lambda edge: own[edge, column])
        others = space.mask(cell_type)[weakest].copy()
        others[column] = False
        if not own[skips, column].any() or not own[weakest, others].any():
            return genotype
        own[weakest, column] = 0


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
