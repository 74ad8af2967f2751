"""Cells that grow by one node at a time."""

import itertools

import numpy as np

from tfdarts.genotypes import Genotype


class GrowingCells:
    """The cells of a search space by their first nodes.

    A cell is a list of nodes, and a node a list of edges
    `[primitive, predecessor]`. The last node is repeated for the nodes that a
    cell does not have yet. So each cell is a genotype of the space, which any
    evaluator can score. All cells of a genotype are the same.

    Args:
        space: `tfdarts.CellSearchSpace`.

    Raises:
        ValueError: If the nodes of the space cannot be repeated, because they
            keep different numbers of edges, the primitives depend on the
            edge, or predecessors repeat.

    Example:

    >>> from tfdarts.search_spaces.cnn import CNNSearchSpace
    >>> cells = GrowingCells(CNNSearchSpace())
    >>> first = cells.extensions([])
    >>> len(first), len(cells.extensions(first[0]))
    (49, 147)
    """

    def __init__(self, space):
        self.space = space
        space.require_equal_cells()
        kept = {space.num_kept(node) for node in space.nodes}
        if space.repeats_predecessors:
            raise ValueError(
                f"In the search space {space.name}, predecessors repeat, which "
                "the features of cells do not show, so cells cannot grow: "
                "choose another --space or --strategy."
            )
        if len(kept) > 1 or space.primitives_by_edge is not None:
            raise ValueError(
                f"In the search space {space.name}, a node cannot repeat the "
                "node before it, so cells cannot grow: choose another --space "
                "or --strategy."
            )

    def extensions(self, cell):
        """Returns the cells with one node more, a list."""
        node = self.space.nodes[len(cell)]
        first, *_ = self.space.cell_types
        return [
            [*cell, [[name, source] for name, source in zip(names, sources)]]
            for sources in itertools.combinations(
                range(node), self.space.num_kept(node)
            )
            for names in itertools.product(
                *(self.space.choices(first, node, s) for s in sources)
            )
        ]

    def complete(self, cell):
        """Returns a cell with all nodes: the last one is repeated."""
        missing = self.space.num_nodes - len(cell)
        return [*cell, *[cell[-1]] * missing]

    def genotype(self, cell):
        """Returns the genotype of a cell."""
        fields = {"nodes": self.complete(cell), "concat": self.space.concat}
        return Genotype(cells=dict.fromkeys(self.space.cell_types, fields))

    def features(self, cell):
        """Returns which edge has which primitive, an array of 0 and 1."""
        space = self.space
        found = np.zeros(space.alpha_shape)
        for node, edges in zip(space.nodes, self.complete(cell), strict=True):
            for primitive, source in edges:
                row = space.edges.index((node, source))
                found[row, space.primitives.index(primitive)] = 1
        return found.ravel()
