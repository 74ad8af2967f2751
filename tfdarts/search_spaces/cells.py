"""The base class of search spaces of cells."""

import dataclasses
import math

import numpy as np

from tfdarts.genotypes import SPACES
from tfdarts.genotypes import Genotype
from tfdarts.primitive_table import require_primitives


class CellSearchSpace:
    """Base class of convolutional and recurrent search spaces.

    Edges are numbered by node, then by predecessor. Row `e` of an alpha
    matrix belongs to edge `e`, column `k` to `primitives[k]`.

    A subclass has a `kind`, a key of `tfdarts.genotypes.SPACES`.

    Args:
        num_nodes: Integer, intermediate nodes of a cell.
        primitives: Sequence of primitive names.

    Raises:
        ValueError: If there are no nodes, if a primitive is unknown or
            repeated, or if `"none"` is the only primitive.
    """

    def __init__(self, num_nodes, primitives):
        require_primitives(primitives, self.kind)
        if num_nodes < 1:
            raise ValueError(
                f"A cell must have at least one intermediate node. "
                f"Received: num_nodes={num_nodes}."
            )
        self.num_nodes = num_nodes
        self.primitives = tuple(primitives)
        self.edges = tuple(
            (node, predecessor)
            for node in self.concat
            for predecessor in range(node)
        )

    @property
    def cells(self):
        """The `tfdarts.genotypes.Cells` of this kind of network."""
        return SPACES[self.kind]

    @property
    def cell_types(self):
        """The names of the cells in a genotype, such as `"normal"`."""
        return self.cells.cell_types

    @property
    def num_edges(self):
        """The number of edges of a cell before derivation."""
        return len(self.edges)

    @property
    def alpha_shape(self):
        """The shape of one cell type's alphas: `(edges, primitives)`."""
        return (self.num_edges, len(self.primitives))

    @property
    def concat(self):
        """The nodes of a cell's output: all intermediate nodes."""
        first = self.cells.num_inputs
        return tuple(range(first, first + self.num_nodes))

    @property
    def size(self):
        """The number of different derived cells of one type."""
        count = self.cells.edges_per_node
        operations = len(self._choices) ** (count * self.num_nodes)
        return operations * math.prod(
            math.comb(node, count) for node in self.concat
        )

    def outgoing_edges(self, predecessor):
        """Returns the indices of the edges that leave a node, in order."""
        return [
            edge
            for edge, (_, source) in enumerate(self.edges)
            if source == predecessor
        ]

    def derive(self, probabilities):
        """Returns the genotype of the most probable primitives.

        The strength of an edge is the largest probability of a primitive other
        than `"none"`. Each node of a convolutional cell keeps its two
        strongest edges, the stronger first; each node of a recurrent cell
        keeps its strongest edge. A kept edge gets its most probable primitive
        other than `"none"`. The first of equal values wins. The probability of
        `"none"` weakens an edge, so ranking raw alphas would be another rule.

        Args:
            probabilities: Dict from cell types to arrays of shape
                `alpha_shape`, as `supernet.probabilities()` returns.

        Raises:
            ValueError: If a shape is wrong, or a number is negative or not
                finite.

        Reference:

        - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section 2.4
        """
        return self._genotype(
            self._derive_cell(cell_type, probabilities[cell_type])
            for cell_type in self.cell_types
        )

    def sample(self, seed):
        """Returns a genotype drawn uniformly from the space.

        Args:
            seed: Integer. The same seed gives the same genotype.
        """
        generator = np.random.default_rng(seed)
        cells = [self._sample_cell(generator) for _ in self.cell_types]
        return self._genotype(cells, name=f"random:{seed}")

    def neighbors(self, genotype):
        """Returns the genotypes that differ by one edit.

        An edit gives one edge another primitive or another predecessor. The
        edges of a node keep different predecessors.

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
        return [
            dataclasses.replace(genotype, **{cell_type: cell}, name=None)
            for cell_type in self.cell_types
            for cell in self._edited_cells(getattr(genotype, cell_type))
        ]

    def mutate(self, genotype, seed):
        """Returns a neighbor of a genotype, drawn uniformly.

        Args:
            genotype: `Genotype` of this space.
            seed: Integer. The same seed gives the same neighbor.
        """
        neighbors = self.neighbors(genotype)
        return neighbors[np.random.default_rng(seed).integers(len(neighbors))]

    def __contains__(self, genotype):
        """Returns whether a genotype is in this space."""
        cells = [getattr(genotype, t) for t in self.cell_types]
        concats = [getattr(genotype, f"{t}_concat") for t in self.cell_types]
        return (
            {*concats} == {self.concat}
            and all(p in self._choices for cell in cells for p, _ in cell)
            and all(self._has_different_sources(cell) for cell in cells)
        )

    @property
    def _choices(self):
        return [name for name in self.primitives if name != "none"]

    def _genotype(self, cells, name=None):
        fields = {}
        for cell_type, cell in zip(self.cell_types, cells, strict=True):
            fields[cell_type] = cell
            fields[f"{cell_type}_concat"] = self.concat
        return Genotype(**fields, name=name)

    def _has_different_sources(self, cell):
        count = self.cells.edges_per_node
        sources = [source for _, source in cell]
        nodes = [
            sources[at : at + count] for at in range(0, len(sources), count)
        ]
        return all(len({*node}) == count for node in nodes)

    def _derive_cell(self, cell_type, probabilities):
        probabilities = np.asarray(probabilities, dtype="float64")
        good = np.isfinite(probabilities) & (probabilities >= 0)
        if probabilities.shape != self.alpha_shape or not good.all():
            raise ValueError(
                f"The probabilities of the {cell_type} cell must be finite "
                f"numbers of shape {self.alpha_shape}, none below 0; raw "
                f"alphas need a softmax first. Received shape "
                f"{probabilities.shape}, {good.sum()} of them finite and not "
                f"below 0."
            )
        columns = [self.primitives.index(name) for name in self._choices]
        candidates = probabilities[:, columns]
        strength = candidates.max(axis=1)
        best = candidates.argmax(axis=1)
        cell = []
        for node in self.concat:
            incoming = [e for e, (to, _) in enumerate(self.edges) if to == node]
            incoming.sort(key=lambda edge: -strength[edge])
            for edge in incoming[: self.cells.edges_per_node]:
                cell.append((self._choices[best[edge]], self.edges[edge][1]))
        return cell

    def _check(self, genotype):
        if genotype not in self:
            raise ValueError(
                f"The genotype is not of the space of cells with "
                f"{self.num_nodes} nodes, {self.cells.edges_per_node} "
                f"different predecessors each, all of them in the output. "
                f"Received: {genotype}."
            )

    def _edited_cells(self, cell):
        count = self.cells.edges_per_node
        for position, (primitive, predecessor) in enumerate(cell):
            first = position - position % count
            taken = {source for _, source in cell[first : first + count]}
            node = position // count + self.cells.num_inputs
            edits = [
                (other, predecessor)
                for other in self._choices
                if other != primitive
            ] + [
                (primitive, source)
                for source in range(node)
                if source not in taken
            ]
            for edit in edits:
                yield (*cell[:position], edit, *cell[position + 1 :])

    def _sample_cell(self, generator):
        cell = []
        for node in self.concat:
            count = self.cells.edges_per_node
            predecessors = generator.choice(node, count, replace=False)
            for predecessor in sorted(predecessors.tolist()):
                cell.append((str(generator.choice(self._choices)), predecessor))
        return cell
