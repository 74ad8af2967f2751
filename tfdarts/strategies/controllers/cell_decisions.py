"""Genotypes as sequences of decisions."""

import typing
from collections.abc import Sequence

import numpy as np

from tfdarts.genotypes import Genotype

if typing.TYPE_CHECKING:  # It imports TensorFlow.
    import keras_tuner

    from tfdarts.search_spaces.cell_space import CellSearchSpace


class Decision(typing.NamedTuple):
    """One decision about an edge of a cell.

    Args:
        kind: String, what is decided: the `"predecessor"` or the
            `"operation"` of the edge.
        cell_type: String.
        node: Integer, the node that the edge enters.
        edge: Integer, the position of the edge among those of the node.
    """

    kind: str
    cell_type: str
    node: int
    edge: int

    @property
    def name(self) -> str:
        """The name of the decision, such as `"normal_3_0_operation"`."""
        return f"{self.cell_type}_{self.node}_{self.edge}_{self.kind}"


class CellDecisions:
    """The sequence of decisions that makes a genotype of a search space.

    For each node of each cell, the predecessors of its edges are decided
    first, then their operations. A node that keeps all its edges has no
    decisions of predecessors. The choice of a decision is an integer: the
    number of a node, or the position of a primitive in `space.primitives`.

    Args:
        space: `tfdarts.CellSearchSpace`.

    Attributes:
        sequence: Tuple of `Decision`s.

    Example:

    >>> from tfdarts.search_spaces.cnn import CNNSearchSpace
    >>> space = CNNSearchSpace(2, ("skip_connect", "sep_conv_3x3"))
    >>> decisions = CellDecisions(space)
    >>> for decision in decisions.sequence[:4]:
    ...     print(decision.name)
    normal_2_0_operation
    normal_2_1_operation
    normal_3_0_predecessor
    normal_3_1_predecessor
    >>> genotype = decisions.genotype([0, 1, 2, 0, 1, 0] * 2)
    >>> genotype.cells["normal"].nodes[1]
    (('skip_connect', 0), ('sep_conv_3x3', 2))

    Reference:

    - [Zoph et al., 2018](https://arxiv.org/abs/1707.07012), section 3
    """

    def __init__(self, space: "CellSearchSpace"):
        space.require_equal_cells()
        self.space = space
        self.sequence = tuple(
            Decision(kind, cell_type, node, edge)
            for cell_type in space.cell_types
            for node in space.nodes
            for kind in ("predecessor", "operation")
            for edge in range(space.num_kept(node))
            if kind == "operation" or self.chooses_predecessors(node)
        )

    def chooses_predecessors(self, node: int) -> bool:
        """Returns whether the edges of a node may have other predecessors."""
        repeats = self.space.repeats_predecessors
        return repeats or self.space.num_kept(node) < node

    def allowed_operations(self, cell_type: str, node: int) -> np.ndarray:
        """Returns which operations the edges into a node may have.

        Args:
            cell_type: String.
            node: Integer.

        Returns:
            Boolean array `(node, num_primitives)`, a row for each predecessor.
        """
        choices = [
            self.space.choices(cell_type, node, source)
            for source in range(node)
        ]
        primitives = self.space.primitives
        return np.array([[p in names for p in primitives] for names in choices])

    def hyperparameters(self) -> "keras_tuner.HyperParameters":
        """Returns the decisions as hyperparameters of keras-tuner."""
        import keras_tuner

        hyperparameters = keras_tuner.HyperParameters()
        for each in self.sequence:
            hyperparameters.Choice(each.name, self._options(each))
        return hyperparameters

    def to_values(self, choices: Sequence[int]) -> dict:
        """Returns choices as values of the hyperparameters, a dict.

        Args:
            choices: Sequence of integers, one for each decision.
        """
        return {
            each.name: self._options(each)[choice]
            for each, choice in zip(self.sequence, choices, strict=True)
        }

    def to_choices(self, values: dict) -> list[int]:
        """Returns the choices of values of the hyperparameters.

        Args:
            values: Dict, as `to_values` returns.
        """
        return [
            self._options(each).index(values[each.name])
            for each in self.sequence
        ]

    def genotype(self, choices: Sequence[int]) -> Genotype:
        """Returns the genotype of choices.

        Args:
            choices: Sequence of integers, one for each decision.
        """
        return self.decode(self.to_values(choices))

    def decode(self, values: dict) -> Genotype:
        """Returns the genotype of values of the hyperparameters.

        Args:
            values: Dict, as `to_values` returns.
        """
        cells = {}
        for cell_type in self.space.cell_types:
            nodes = [
                self._edges(values, cell_type, node)
                for node in self.space.nodes
            ]
            concat = self.space.concat_of(nodes)
            cells[cell_type] = {"nodes": nodes, "concat": concat}
        return Genotype(cells=cells)

    def _edges(self, values, cell_type, node):
        """Returns the edges of a node, ordered by predecessor."""
        edges = []
        for edge in range(self.space.num_kept(node)):
            name = f"{cell_type}_{node}_{edge}"
            source = edge
            if self.chooses_predecessors(node):
                source = values[f"{name}_predecessor"]
            edges.append((values[f"{name}_operation"], source))
        return sorted(edges, key=lambda edge: edge[::-1])

    def _options(self, decision):
        """Returns what may be decided: nodes, or names of primitives."""
        if decision.kind == "predecessor":
            return [*range(decision.node)]
        return [*self.space.primitives]
