"""The base class of search spaces of cells."""

import math
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np

from tfdarts.cells import Cell
from tfdarts.genotypes import Genotype
from tfdarts.primitive_table import require_primitives
from tfdarts.structures import Structure


class CellSearchSpace:
    """Base class of search spaces.

    Edges are numbered by node, then by predecessor. Row `e` of an alpha
    matrix belongs to edge `e`, column `k` to `primitives[k]`.

    A subclass sets the attribute `structure`, and the defaults of the
    arguments as attributes of the same names. A subclass with a `name` can be
    registered with `tfdarts.register_space`.

    Args:
        num_nodes: Integer, intermediate nodes of a cell.
        primitives: Sequence of primitive names.
        edges_per_node: Integer, the number of edges that a node keeps in a
            derived cell, or `"all"`. A node with fewer predecessors keeps
            them all. By default the number of the structure.
        derive_none: Boolean, whether a kept edge may have the primitive
            `"none"`, if `primitives` contain it.

    Attributes:
        name: String, the value of `--space`.
        structure: `tfdarts.structures.Structure`, the structure of the cells.
        supernet: The class of the supernet, or `"module:class"`. By default
            that of the structure.

    Raises:
        ValueError: If there are no nodes, if a primitive is unknown or
            repeated, if `"none"` is the only primitive, or if
            `edges_per_node` is not a positive integer or `"all"`.
    """

    name: str | None = None
    structure: Structure
    num_nodes: int
    primitives: Sequence[str]
    edges_per_node: int | str | None = None
    derive_none: bool = False
    supernet: object = None

    def __init__(
        self,
        num_nodes: int | None = None,
        primitives: Sequence[str] | None = None,
        edges_per_node: int | str | None = None,
        derive_none: bool | None = None,
    ):
        given = {
            "num_nodes": num_nodes,
            "primitives": primitives,
            "edges_per_node": edges_per_node,
            "derive_none": derive_none,
        }
        for name, value in given.items():
            setattr(self, name, getattr(self, name) if value is None else value)
        self.primitives = tuple(self.primitives)
        require_primitives(self.primitives, self.structure.name)
        if self.num_nodes < 1:
            raise ValueError(
                f"A cell must have at least one intermediate node. "
                f"Received: num_nodes={self.num_nodes}."
            )
        if self.edges_per_node is None:
            self.edges_per_node = self.structure.edges_per_node
        if self.supernet is None:
            self.supernet = self.structure.supernet
        edges_per_node = self.edges_per_node
        if edges_per_node != "all" and not (
            type(edges_per_node) is int and edges_per_node > 0
        ):
            raise ValueError(
                f"`edges_per_node` must be a positive integer or 'all'. "
                f"Received: {edges_per_node!r}."
            )
        self.edges = tuple(
            (node, predecessor)
            for node in self.nodes
            for predecessor in range(node)
        )

    @property
    def cell_types(self) -> tuple[str, ...]:
        """The names of the cells in a genotype, such as `"normal"`."""
        return self.structure.cell_types

    @property
    def num_edges(self) -> int:
        """The number of edges of a cell before derivation."""
        return len(self.edges)

    @property
    def alpha_shape(self) -> tuple[int, int]:
        """The shape of one cell type's alphas: `(edges, primitives)`."""
        return (self.num_edges, len(self.primitives))

    @property
    def nodes(self) -> tuple[int, ...]:
        """The numbers of the intermediate nodes of a cell."""
        first = self.structure.num_inputs
        return tuple(range(first, first + self.num_nodes))

    @property
    def concat(self) -> tuple[int, ...]:
        """The nodes of a cell's output: all intermediate nodes."""
        return self.nodes

    @property
    def size(self) -> int:
        """The number of different derived cells of one type."""
        return math.prod(
            math.comb(node, self._num_kept(node))
            * len(self._choices) ** self._num_kept(node)
            for node in self.nodes
        )

    def outgoing_edges(self, predecessor: int) -> list[int]:
        """Returns the indices of the edges that leave a node, in order."""
        return [
            edge
            for edge, (_, source) in enumerate(self.edges)
            if source == predecessor
        ]

    def derive(self, probabilities: Mapping[str, np.ndarray]) -> Genotype:
        """Returns the genotype of the most probable primitives.

        The strength of an edge is the largest probability of a primitive other
        than `"none"`. Each node keeps its `edges_per_node` strongest edges,
        the stronger first, or all edges, ordered by predecessor. A kept edge
        gets its most probable primitive, other than `"none"` unless
        `derive_none` is true. The first of equal values wins. The probability
        of `"none"` weakens an edge, so ranking raw alphas would be another
        rule.

        Args:
            probabilities: Dict from cell types to arrays of shape
                `alpha_shape`, as `supernet.probabilities()` returns.

        Raises:
            ValueError: If a shape is wrong, or a number is negative or not
                finite.

        Reference:

        - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section 2.4
        """
        if not {*self.cell_types} <= {*probabilities}:
            raise ValueError(
                f"Deriving a genotype takes the probabilities of the cells "
                f"{', '.join(self.cell_types)}. "
                f"Received: {', '.join(probabilities) or 'none'}."
            )
        return self._genotype(
            self._derive_cell(cell_type, probabilities[cell_type])
            for cell_type in self.cell_types
        )

    def get_config(self) -> dict:
        """Returns the name and the arguments of the space, a dict."""
        return {
            "name": self.name,
            "num_nodes": self.num_nodes,
            "primitives": list(self.primitives),
            "edges_per_node": self.edges_per_node,
            "derive_none": self.derive_none,
        }

    def sample(self, seed: int) -> Genotype:
        """Returns a genotype drawn uniformly from the space.

        Args:
            seed: Integer. The same seed gives the same genotype.
        """
        generator = np.random.default_rng(seed)
        cells = [self._sample_cell(generator) for _ in self.cell_types]
        return self._genotype(cells, name=f"random:{seed}")

    def neighbors(self, genotype: Genotype) -> list[Genotype]:
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
            Genotype(
                cells={**genotype.cells, cell_type: Cell(nodes, cell.concat)}
            )
            for cell_type, cell in genotype.cells.items()
            for nodes in self._edit_nodes(cell.nodes)
        ]

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
            cell.concat == self.concat
            and len(cell.nodes) == self.num_nodes
            and all(primitive in self._choices for primitive, _ in cell.edges)
            and all(
                len(edges) == self._num_kept(node) == len({*_sources(edges)})
                for node, edges in zip(self.nodes, cell.nodes)
            )
            for cell in genotype.cells.values()
        )

    @property
    def _choices(self):
        """The primitives that a kept edge may have."""
        return [n for n in self.primitives if n != "none" or self.derive_none]

    def _num_kept(self, node):
        """Returns the number of edges into a node of a derived cell."""
        # Each earlier node is a predecessor, so node `n` has `n` of them.
        return (
            node
            if self.edges_per_node == "all"
            else min(node, self.edges_per_node)
        )

    def _genotype(self, cells, name=None):
        cells = {
            cell_type: Cell(tuple(map(tuple, nodes)), self.concat)
            for cell_type, nodes in zip(self.cell_types, cells, strict=True)
        }
        return Genotype(cells=cells, name=name)

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
        best = probabilities[:, columns].argmax(axis=1)
        operations = [name != "none" for name in self.primitives]
        strength = probabilities[:, operations].max(axis=1)
        nodes = []
        for node in self.nodes:
            incoming = [e for e, (to, _) in enumerate(self.edges) if to == node]
            if self.edges_per_node != "all":
                incoming.sort(key=lambda edge: -strength[edge])
            nodes.append(
                [
                    (self._choices[best[edge]], self.edges[edge][1])
                    for edge in incoming[: self._num_kept(node)]
                ]
            )
        return nodes

    def _check(self, genotype):
        if genotype not in self:
            raise ValueError(
                "The genotype is not in the search space: its cells must have "
                f"{self.num_nodes} nodes, each with {self.edges_per_node} "
                f"different predecessors, the nodes {self.concat} in the "
                f"output, and the primitives {', '.join(self._choices)}. "
                f"Received: {genotype}."
            )

    def _edit_nodes(self, nodes):
        """Yields the nodes of a cell with one edge changed."""
        for position, edges in enumerate(nodes):
            node = self.nodes[position]
            for place, (primitive, predecessor) in enumerate(edges):
                edits = [
                    (other, predecessor)
                    for other in self._choices
                    if other != primitive
                ] + [
                    (primitive, source)
                    for source in range(node)
                    if source not in _sources(edges)
                ]
                for edit in edits:
                    edited = _replace(edges, place, edit)
                    yield _replace(nodes, position, edited)

    def _sample_cell(self, generator):
        nodes = []
        for node in self.nodes:
            count = self._num_kept(node)
            predecessors = generator.choice(node, count, replace=False)
            nodes.append(
                [
                    (str(generator.choice(self._choices)), predecessor)
                    for predecessor in sorted(predecessors.tolist())
                ]
            )
        return nodes


def _sources(edges):
    return [source for _, source in edges]


def _replace(items, position, item):
    """Returns a tuple with another item at a position."""
    return (*items[:position], item, *items[position + 1 :])
