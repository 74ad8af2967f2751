"""The genotypes of a search space: their number, samples and neighbors."""

import math
from collections.abc import Sequence

import numpy as np

from tfdarts.cells import Cell
from tfdarts.genotypes import Genotype
from tfdarts.search_spaces.edge_sets import count_sets
from tfdarts.search_spaces.edge_sets import draw_set
from tfdarts.search_spaces.edge_sets import is_set
from tfdarts.search_spaces.neighbors import edit_nodes


class GenotypesOfSpace:
    """Mixin of `CellSearchSpace`: counts, draws, edits and checks genotypes."""

    @property
    def size(self) -> int:
        """The number of different derived cells of the first type."""
        cell_type, *_ = self.cell_types
        return math.prod(
            count_sets(self, cell_type, node)
            for node in self.nodes_of(cell_type)
        )

    def sample(self, seed: int) -> Genotype:
        """Returns a genotype drawn uniformly from the space.

        Args:
            seed: Integer. The same seed gives the same genotype.
        """
        generator = np.random.default_rng(seed)
        cells = [
            [
                draw_set(self, name, node, generator)
                for node in self.nodes_of(name)
            ]
            for name in self.cell_types
        ]
        return self._genotype(cells, name=f"random:{seed}")

    def neighbors(self, genotype: Genotype) -> list[Genotype]:
        """Returns the genotypes that differ by one edit.

        An edit gives one edge another primitive or another predecessor. The
        edges of a node keep different predecessors, unless predecessors may
        repeat. An edge that may not have its primitive from another
        predecessor takes another primitive there.

        Args:
            genotype: `Genotype` of this space.

        Returns:
            List of genotypes: 120 in the paper's convolutional space, 52 in
            its recurrent one.

        Raises:
            ValueError: If the genotype is not in this space.

        Example:

        >>> from tfdarts.search_spaces.rnn import RNNSearchSpace
        >>> space = RNNSearchSpace()
        >>> len(space.neighbors(space.sample(seed=0)))
        52
        """
        self._check(genotype)
        cells = genotype.cells
        edited = [
            Genotype(cells={**cells, name: Cell(nodes, self.concat_of(nodes))})
            for name, cell in cells.items()
            for nodes in edit_nodes(self, name, cell.nodes)
        ]
        # The edits of two equal edges of a node are the same.
        return [*dict.fromkeys(edited)]

    def mutate(self, genotype: Genotype, seed: int) -> Genotype:
        """Returns a neighbor of a genotype, drawn uniformly.

        Args:
            genotype: `Genotype` of this space.
            seed: Integer. The same seed gives the same neighbor.
        """
        neighbors = self.neighbors(genotype)
        if not neighbors:
            raise ValueError(
                f"The genotype has no neighbor: it is the only one of its "
                f"space. Received: {genotype}."
            )
        return neighbors[np.random.default_rng(seed).integers(len(neighbors))]

    def __contains__(self, genotype: Genotype) -> bool:
        """Returns whether a genotype is in this space."""
        if not isinstance(genotype, Genotype):
            return False
        return genotype.cell_types == self.cell_types and all(
            cell.concat == self.concat_of(cell.nodes)
            and len(cell.nodes) == len(self.nodes_of(cell_type))
            and all(
                is_set(self, cell_type, node, edges)
                for node, edges in zip(self.nodes_of(cell_type), cell.nodes)
            )
            for cell_type, cell in genotype.cells.items()
        )

    def choices(self, cell_type, node, predecessor):
        """Returns the primitives that a kept edge may have."""
        edge = self.edges.index((node, predecessor))
        return [
            name
            for name, allowed in zip(
                self.primitives, self.mask(cell_type)[edge]
            )
            if allowed and (name != "none" or self.derive_none)
        ]

    def num_kept(self, node):
        """Returns the number of edges into a node of a derived cell."""
        if self.repeats_predecessors:
            return self.edges_per_node
        # Each earlier node is a predecessor, so node `n` has `n` of them.
        return (
            node
            if self.edges_per_node == "all"
            else min(node, self.edges_per_node)
        )

    def _genotype(self, cells, name=None):
        cells = {
            cell_type: Cell(tuple(map(tuple, nodes)), self.concat_of(nodes))
            for cell_type, nodes in zip(self.cell_types, cells, strict=True)
        }
        return Genotype(cells=cells, name=name)

    def _check(self, genotype):
        if genotype not in self:
            raise ValueError(
                "The genotype is not in the search space: its cells must have "
                f"{self.num_nodes} nodes, each with {self.edges_per_node} "
                f"{'' if self.repeats_predecessors else 'different '}"
                f"predecessors, the nodes {self._outputs} in the output, and "
                f"the primitives {', '.join(self.primitives)}"
                f"{'' if self.derive_none else ' except none'}"
                f"{' that each edge may have' * bool(self.primitives_by_edge)}"
                f". Received: {genotype}."
            )

    @property
    def _outputs(self):
        return "that no other reads" if self.joins_loose_ends else self.concat

    def concat_of(self, nodes: Sequence) -> tuple[int, ...]:
        """Returns the nodes of the output of a cell.

        Args:
            nodes: Sequence of the edges of each node.
        """
        if not self.joins_loose_ends:
            return self.concat
        read = {source for edges in nodes for _, source in edges}
        return tuple(node for node in self.nodes if node not in read)
