"""The base class of search spaces of cells."""

import copy
import itertools
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np

from tfdarts import arguments
from tfdarts.genotypes import Genotype
from tfdarts.primitive_table import require_primitives
from tfdarts.search_spaces.derivation import derive_cell
from tfdarts.search_spaces.edge_sets import validate_edges_per_node
from tfdarts.search_spaces.genotypes_of_space import GenotypesOfSpace
from tfdarts.search_spaces.masks import make_mask
from tfdarts.structures import Structure

WITHOUT_SUPERNET = (
    "Search it with a strategy that trains candidates, such as random"
)
"""What can search a space that has no supernet."""


class CellSearchSpace(GenotypesOfSpace):
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
        structure: `tfdarts.Structure`, the structure of the cells.
        supernet: The class of the supernet, or `"module:class"`. By default
            that of the structure, which may have none.
        repeats_predecessors: Boolean, whether several edges of a node may
            come from the same node, even with the same primitive.
        joins_loose_ends: Boolean, whether the output of a cell is formed by
            the nodes that no other node reads, instead of `concat`.

    Raises:
        ValueError: If there are no nodes, if a primitive is unknown or
            repeated, if `"none"` is the only primitive, if
            `edges_per_node` is not a positive integer or `"all"`, or if it is
            `"all"` while `repeats_predecessors` is true.
    """

    name: str | None = None
    structure: Structure
    num_nodes: int
    primitives: Sequence[str]
    edges_per_node: int | str | None = None
    derive_none: bool = False
    supernet: object = None
    primitives_by_edge: Mapping[str, Sequence[Sequence[str]]] | None = None
    repeats_predecessors: bool = False
    joins_loose_ends: bool = False

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
        self.primitives = tuple(arguments.items(self.primitives))
        require_primitives(self.primitives, self.structure.name)
        self.num_nodes = arguments.scalar(self.num_nodes)
        if type(self.num_nodes) is not int or self.num_nodes < 1:
            raise ValueError(
                "A cell must have at least one intermediate node, so its "
                "number of nodes must be an integer of at least 1. Received: "
                f"num_nodes={self.num_nodes!r}."
            )
        if self.edges_per_node is None:
            self.edges_per_node = self.structure.edges_per_node
        if self.supernet is None:
            self.supernet = self.structure.supernet
        validate_edges_per_node(self)
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

    def nodes_of(self, cell_type: str) -> tuple[int, ...]:
        """Returns the numbers of the intermediate nodes of one cell.

        Args:
            cell_type: String.
        """
        return self.nodes

    @property
    def concat(self) -> tuple[int, ...]:
        """The nodes of a cell's output: all intermediate nodes."""
        return self.nodes

    def require_supernet(self, instead: str = WITHOUT_SUPERNET) -> None:
        """Raises `ValueError` if no supernet can contain the space.

        A supernet has one operation of a kind between two nodes, and the
        output of its cells has the same nodes for all architectures.

        Args:
            instead: String, the beginning of a sentence that says what can
                search the space.
        """
        reason = None
        if self.repeats_predecessors or self.joins_loose_ends:
            reason = (
                "the edges of a node may have the same predecessor, or the "
                "output of a cell depends on its edges"
            )
        elif self.supernet is None:
            reason = f"no supernet can contain {self.structure.description}"
        if reason:
            raise ValueError(
                f"The space {self.name} has no supernet, because {reason}. "
                f"{instead}, or choose another space."
            )

    def require_equal_cells(self) -> None:
        """Raises `ValueError` if cells differ in nodes or primitives."""

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
        self.require_supernet()
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
