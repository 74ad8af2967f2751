"""Cells that grow, and the predictors that choose among them."""

import json

import pytest

import tfdarts
from tfdarts.search_spaces.cnn import CNNSearchSpace
from tfdarts.search_spaces.rnn import RNNSearchSpace
from tfdarts.search_spaces.space_registry import get_space
from tfdarts.strategies.proposers.growing_cells import GrowingCells
from tfdarts.strategies.proposers.pnas_oracle import PNASOracle

SMALL = CNNSearchSpace(3, ("skip_connect", "max_pool_3x3"))


def genotype_of(oracle, trial):
    return oracle.encoding.decode(trial.hyperparameters.values)


def pools(genotype):
    return -sum(name == "max_pool_3x3" for name, _ in genotype.normal)


def ask_and_tell(oracle, loss=pools):
    trial = tfdarts.ask(oracle)
    genotype = genotype_of(oracle, trial)
    tfdarts.tell(oracle, trial, loss(genotype))
    return genotype


def test_a_level_multiplies_the_cells():
    # Seven primitives on each of two edges, and 1, 3, 6, 10 pairs of nodes.
    cells, cell = GrowingCells(CNNSearchSpace()), []
    for pairs in (1, 3, 6, 10):
        extensions = cells.extensions(cell)
        assert len(extensions) == pairs * 49
        assert len({json.dumps(each) for each in extensions}) == pairs * 49
        assert all(each[:-1] == cell for each in extensions)
        cell = extensions[-1]


@pytest.mark.parametrize("space", [CNNSearchSpace(), RNNSearchSpace()])
def test_a_cell_of_any_level_is_a_genotype(space):
    cells, cell = GrowingCells(space), []
    for node in range(space.num_nodes):
        cell = cells.extensions(cell)[3 - node]
        genotype = cells.genotype(cell)
        assert genotype in space
        for found in genotype.cells.values():
            edges = [[*map(list, edges)] for edges in found.nodes]
            assert edges == cell + cell[-1:] * (space.num_nodes - len(cell))


def test_features_are_the_edges_with_their_primitives():
    cells = GrowingCells(SMALL)
    cell = [[["skip_connect", 0], ["max_pool_3x3", 1]]]
    # Nodes 2, 3 and 4 keep their edges from 0 and 1, of 2, 3 and 4 edges.
    expected = "10 01" + "10 01 00" + "10 01 00 00"
    found = "".join(str(int(each)) for each in cells.features(cell))
    assert found == expected.replace(" ", "")


@pytest.mark.parametrize("name", ["nas_bench_201", "s1"])
def test_spaces_whose_nodes_differ_are_refused(name):
    message = f"In the search space {name}, a node cannot repeat the node bef"
    with pytest.raises(ValueError, match=message):
        GrowingCells(get_space(name)())


def test_a_space_whose_predecessors_repeat_is_refused():
    with pytest.raises(ValueError, match="nasnet, predecessors repeat, which"):
        GrowingCells(get_space("nasnet")())


def test_levels_are_tried_in_turn_and_nothing_twice():
    oracle = PNASOracle(SMALL, beam=5)
    found = [ask_and_tell(oracle) for _ in range(30)]
    levels = [len(cell) for cell in oracle.tried]
    assert levels == [1] * 4 + [2] * 5 + [3] * 21
    assert len({*found}) == 30
    kept = [*map(json.dumps, oracle.tried)]
    for cell in oracle.tried[4:]:
        assert json.dumps(cell[:-1]) in kept


def test_predictors_choose_what_is_better():
    oracle = PNASOracle(SMALL, beam=4)
    found = [ask_and_tell(oracle) for _ in range(12)]
    # Children of the best first cell, most of whose edges are pools.
    assert max(map(pools, found[4:8])) <= -4
    assert max(map(pools, found[8:12])) <= -5


def test_the_state_is_json_and_continues_anywhere():
    expected, states = [], []
    oracle = PNASOracle(SMALL, beam=3, seed=4)
    for _ in range(12):
        states.append(json.dumps(oracle.get_state()))
        expected.append(ask_and_tell(oracle))
    trials = oracle.trials
    for number in (3, 4, 9):
        resumed = PNASOracle(SMALL, beam=3, seed=4)
        resumed.trials = dict([*trials.items()][:number])
        resumed.set_state(json.loads(states[number]))
        found = [ask_and_tell(resumed) for _ in range(12 - number)]
        assert found == expected[number:]


def test_a_worker_waits_for_the_results_of_a_level():
    oracle = PNASOracle(SMALL, beam=3)
    for number in range(4):
        tfdarts.ask(oracle, f"worker {number}")
    with pytest.raises(ValueError, match="waits for the results of other tri"):
        tfdarts.ask(oracle, "worker 4")


def test_failed_candidates_leave_results_to_others():
    oracle = PNASOracle(SMALL, beam=3, max_consecutive_failed_trials=None)
    for number in range(4):
        trial = tfdarts.ask(oracle)
        tfdarts.tell(oracle, trial, None if number else 1.0)
    assert len(oracle.results) == 1
    assert genotype_of(oracle, tfdarts.ask(oracle)) in SMALL
    nothing = PNASOracle(SMALL, beam=3, max_consecutive_failed_trials=None)
    for _ in range(4):
        tfdarts.tell(nothing, tfdarts.ask(nothing), None)
    assert tfdarts.ask(nothing) is None
