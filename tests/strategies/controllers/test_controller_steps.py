"""The steps of a controller, by hand."""

import numpy as np

from tfdarts.search_spaces.cnn import CNNSearchSpace
from tfdarts.search_spaces.nas_bench_201 import NASBench201SearchSpace
from tfdarts.strategies.controllers.cell_decisions import CellDecisions
from tfdarts.strategies.controllers.controller_steps import steps_of


def test_steps_of_a_convolutional_cell():
    space = CNNSearchSpace(2, ("none", "skip_connect"))
    steps = steps_of(CellDecisions(space))
    # Two inputs end; node 2 has two operations and ends; node 3 has two
    # predecessors and two operations and ends.
    cell = "ii ooe ppooe".replace(" ", "")
    kinds = np.select(
        [steps.ends_input, steps.decides_predecessor, steps.decides_operation],
        ["i", "p", "o"],
        "e",
    )
    assert "".join(kinds) == 2 * cell
    assert steps.edge.tolist() == 2 * [0, 0, 0, 1, 0, 0, 1, 0, 1, 0]
    ended = 2 * [0, 1, None, None, 2, None, None, None, None, None]
    for row, node in zip(steps.ended, ended):
        assert row.tolist() == [n == node for n in range(3)]
    # Node 3 may have three predecessors; no edge has "none".
    assert steps.predecessors[5].tolist() == [True, True, True]
    assert not steps.predecessors[2].any()
    assert steps.operations[7].tolist() == [[False, True]] * 3


def test_an_edge_without_a_choice_of_predecessors_has_its_own_operations():
    space = NASBench201SearchSpace(2, ("none", "skip_connect"))
    by_edge = [("none", "skip_connect"), ("skip_connect",), space.primitives]
    space = NASBench201SearchSpace(
        2, space.primitives, primitives_by_edge={"cell": by_edge}
    )
    steps = steps_of(CellDecisions(space))
    operations = steps.operations[steps.decides_operation]
    assert operations[:, 0].tolist() == [
        [True, True],
        [False, True],
        [True, True],
    ]
    # Whatever the predecessor: it is known.
    assert (operations == operations[:, :1]).all()
