"""The steps of a recurrent controller, as arrays."""

import typing

import numpy as np

from tfdarts.strategies.controllers.cell_decisions import CellDecisions


class ControllerSteps(typing.NamedTuple):
    """What each step of a controller decides; a row for each step.

    A step decides a predecessor, decides an operation, or ends a node, which
    later decisions then know by the output of this step. An input of a cell is
    a node that ends without decisions.

    Args:
        decides_predecessor: Boolean array `(steps,)`.
        decides_operation: Boolean array `(steps,)`.
        ends_input: Boolean array `(steps,)`, whether an input of a cell ends.
        edge: Integer array `(steps,)`, the position of the edge in its node.
        predecessors: Boolean array `(steps, nodes)`: those that the node may
            have.
        operations: Boolean array `(steps, nodes, primitives)`: those that the
            edge may have, for each predecessor.
        ended: Boolean array `(steps, nodes)`, one-hot: the node that ends.
    """

    decides_predecessor: np.ndarray
    decides_operation: np.ndarray
    ends_input: np.ndarray
    edge: np.ndarray
    predecessors: np.ndarray
    operations: np.ndarray
    ended: np.ndarray

    @property
    def decides(self) -> np.ndarray:
        """Which steps are decisions, boolean `(steps,)`."""
        return self.decides_predecessor | self.decides_operation


def steps_of(decisions: CellDecisions) -> ControllerSteps:
    """Returns the steps that make the decisions of a space.

    Args:
        decisions: `CellDecisions`.

    Example:

    >>> from tfdarts.search_spaces.rnn import RNNSearchSpace
    >>> steps = steps_of(CellDecisions(RNNSearchSpace(2)))
    >>> steps.decides.astype(int)  # node 0, node 1, node 2
    array([0, 1, 0, 1, 1, 0])
    """
    space = decisions.space
    shape = space.nodes[-1], len(space.primitives)
    rows = []

    def add(**values):
        row = {
            "decides_predecessor": False,
            "decides_operation": False,
            "ends_input": False,
            "edge": 0,
            "predecessors": np.zeros(shape[0], bool),
            "operations": np.zeros(shape, bool),
            "ended": np.zeros(shape[0], bool),
        }
        rows.append(ControllerSteps(**{**row, **values}))

    numbers = np.arange(shape[0])
    for cell_type in space.cell_types:
        for node in range(space.nodes[0]):
            add(ends_input=True, ended=numbers == node)
        for node in space.nodes:
            edges = range(space.num_kept(node))
            table = np.zeros(shape, bool)
            table[:node] = decisions.allowed_operations(cell_type, node)
            chooses = decisions.chooses_predecessors(node)
            for edge in edges if chooses else ():
                add(
                    decides_predecessor=True,
                    edge=edge,
                    predecessors=numbers < node,
                )
            for edge in edges:
                # Without a choice, edge `e` comes from node `e`.
                allowed = (
                    table if chooses else np.tile(table[edge], (shape[0], 1))
                )
                add(decides_operation=True, edge=edge, operations=allowed)
            add(ended=numbers == node)
    steps = ControllerSteps(*map(np.array, zip(*rows)))
    return steps._replace(edge=steps.edge.astype("int32"))
