"""The base class of search spaces of cells."""

import copy
import itertools
import math
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np

from tfdarts.cells import Cell
from tfdarts.genotypes import Genotype
from tfdarts.primitive_table import require_primitives
from tfdarts.search_spaces.derivation import derive_cell
from tfdarts.search_spaces.masks import make_mask
from tfdarts.search_spaces.neighbors import edit_nodes
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
        primitives_by_edge: Dict from cell types to a tuple with the names of
            the primitives that each edge may have, in the order of `edges`.
            By default each edge may have all `primitives`.

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
    primitives_by_edge: Mapping[str, Sequence[Sequence[str]]] | None = None

    def __init__(
        self,
        num_nodes: int | None = None,
        primitives: Sequence[str] | None = None,
        edges_per_node: int | str | None = None,
        derive_none: bool | None = None,
        primitives_by_edge: Mapping[str, Sequence[Sequence[str]]] | None = None,
    ):
        given = {
            "num_nodes": num_nodes,
            "primitives": primitives,
            "edges_per_node": edges_per_node,
            "derive_none": derive_none,
            "primitives_by_edge": primitives_by_edge,
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
        self._masks = {name: make_mask(self, name) for name in self.cell_types}

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
        """The number of different derived cells of the first type."""
        cell_type, *_ = self.cell_types
        return math.prod(
            sum(
                math.prod(
                    len(self.choices(cell_type, node, source))
                    for source in kept
                )
                for kept in itertools.combinations(
                    range(node), self.num_kept(node)
                )
            )
            for node in self.nodes
        )

    def mask(self, cell_type: str) -> np.ndarray:
        """Returns which primitives each edge of a cell may have.

        Args:
            cell_type: String.

        Returns:
            Boolean array of shape `alpha_shape`.
        """
        return self._masks[cell_type]

    def narrow(self, kept: Mapping[str, np.ndarray]) -> "CellSearchSpace":
        """Returns the space whose edges have only some of the primitives.

        Args:
            kept: Dict from cell types to boolean arrays of shape
                `alpha_shape`.

        Raises:
            ValueError: If an edge keeps no primitive besides `"none"`.

        Example:

        >>> space = tfdarts.CNNSearchSpace(2, ("none", "skip_connect"))
        >>> kept = np.tile([False, True], (5, 1))
        >>> space.narrow({"normal": kept, "reduce": kept}).mask("normal")[0]
        array([False,  True])
        """
        narrow = copy.copy(self)
        narrow.primitives_by_edge = {
            cell_type: tuple(
                tuple(itertools.compress(self.primitives, row))
                for row in self.mask(cell_type) & kept[cell_type]
            )
            for cell_type in self.cell_types
        }
        narrow._masks = {n: make_mask(narrow, n) for n in self.cell_types}
        return narrow

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
            derive_cell(self, cell_type, probabilities[cell_type])
            for cell_type in self.cell_types
        )

    def get_config(self) -> dict:
        """Returns the name and the arguments of the space, a dict."""
        by_edge = self.primitives_by_edge
        own = by_edge != type(self).primitives_by_edge
        return {
            "name": self.name,
            "num_nodes": self.num_nodes,
            "primitives": list(self.primitives),
            "edges_per_node": self.edges_per_node,
            "derive_none": self.derive_none,
            **({"primitives_by_edge": by_edge} if own else {}),
        }

    def sample(self, seed: int) -> Genotype:
        """Returns a genotype drawn uniformly from the space.

        Args:
            seed: Integer. The same seed gives the same genotype.
        """
        generator = np.random.default_rng(seed)
        cells = [self._sample_cell(name, generator) for name in self.cell_types]
        return self._genotype(cells, name=f"random:{seed}")

    def neighbors(self, genotype: Genotype) -> list[Genotype]:
        """Returns the genotypes that differ by one edit.

        An edit gives one edge another primitive or another predecessor. The
        edges of a node keep different predecessors. An edge that may not have
        its primitive from another predecessor takes another primitive there.

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
            for nodes in edit_nodes(self, cell_type, cell.nodes)
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
            and all(
                len(edges)
                == self.num_kept(node)
                == len({source for _, source in edges})
                and all(
                    primitive in self.choices(cell_type, node, source)
                    for primitive, source in edges
                )
                for node, edges in zip(self.nodes, cell.nodes)
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

    def _check(self, genotype):
        if genotype not in self:
            raise ValueError(
                "The genotype is not in the search space: its cells must have "
                f"{self.num_nodes} nodes, each with {self.edges_per_node} "
                f"different predecessors, the nodes {self.concat} in the "
                f"output, and the primitives {', '.join(self.primitives)}"
                f"{'' if self.derive_none else ' except none'}"
                f"{' that each edge may have' * bool(self.primitives_by_edge)}"
                f". Received: {genotype}."
            )

    def _sample_cell(self, cell_type, generator):
        nodes = []
        for node in self.nodes:
            count = self.num_kept(node)
            predecessors = generator.choice(node, count, replace=False)
            edges = []
            for predecessor in sorted(predecessors.tolist()):
                choices = self.choices(cell_type, node, predecessor)
                edges.append((str(generator.choice(choices)), predecessor))
            nodes.append(edges)
        return nodes
