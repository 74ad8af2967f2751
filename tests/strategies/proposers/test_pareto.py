"""Pareto fronts against brute force, and on a table of latencies."""

import itertools
import json
import math
import pathlib

import numpy as np
import pytest

import tfdarts
from tfdarts.cells import Cell
from tfdarts.evaluators.evaluation import Evaluation
from tfdarts.evaluators.nas_bench_201_table import row_of
from tfdarts.genotypes import Genotype
from tfdarts.runs.evaluator_registry import get_evaluator
from tfdarts.search_spaces.nas_bench_201 import NASBench201SearchSpace
from tfdarts.strategies.objectives import objectives
from tfdarts.strategies.proposers.ask_tell import ask
from tfdarts.strategies.proposers.ask_tell import tell
from tfdarts.strategies.proposers.pareto import crowded_order
from tfdarts.strategies.proposers.pareto import crowding_distances
from tfdarts.strategies.proposers.pareto import front_of
from tfdarts.strategies.proposers.pareto import sort_into_fronts
from tfdarts.strategies.proposers.pareto_oracle import ParetoOracle
from tfdarts.strategies.proposers.space_encoding import SpaceEncoding
from tfdarts.strategies.strategy_registry import get_strategy
from tfdarts.strategies.trial_search import TrialSearch
from tfdarts.tasks.presets import fill_paper_settings

TABLE = "nas_bench_201"
SPACE = NASBench201SearchSpace()


def is_better(one, other):
    """The definition: nowhere worse, and better somewhere."""
    return not any(a > b for a, b in zip(one, other)) and any(
        a < b for a, b in zip(one, other)
    )


def peel(points):
    """Front by front, by the definition."""
    left, fronts = [*enumerate(points)], []
    while left:
        front = [
            (position, point)
            for position, point in left
            if not any(is_better(other, point) for _, other in left)
        ]
        fronts.append([position for position, _ in front])
        left = [each for each in left if each not in front]
    return fronts


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("count", [1, 2, 3])
def test_fronts_are_peeled_off(seed, count):
    points = np.random.default_rng(seed).integers(0, 6, (40, count)).tolist()
    fronts = peel(points)
    numbers = sort_into_fronts(points)
    for number, front in enumerate(fronts):
        assert np.flatnonzero(numbers == number).tolist() == front
    assert front_of(points).tolist() == fronts[0]


def crowding_by_hand(points, position):
    """Of points whose coordinates all differ."""
    total = 0.0
    for axis in range(len(points[0])):
        own = points[position][axis]
        values = [point[axis] for point in points]
        below = [v for v in values if v < own]
        above = [v for v in values if v > own]
        if not below or not above:
            return math.inf
        total += (min(above) - max(below)) / (max(values) - min(values))
    return total


@pytest.mark.parametrize("seed", range(4))
def test_crowding_is_the_share_between_the_neighbors(seed):
    points = np.random.default_rng(seed).random((12, 3)).tolist()
    expected = [crowding_by_hand(points, p) for p in range(12)]
    np.testing.assert_allclose(crowding_distances(points), expected)


def test_an_equal_objective_does_not_count():
    found = crowding_distances([[0, 7], [1, 7], [4, 7]])
    assert found.tolist() == [math.inf, 0.25 * 4, math.inf]


def test_the_crowded_order():
    points = [[3, 3], [0, 4], [2, 2], [1.9, 2.1], [4, 0], [5, 5]]
    # The first front are 1, 3, 2 and 4; 3 and 2 have an extreme neighbor each.
    order = crowded_order(points)
    assert sorted(order[:4]) == [1, 2, 3, 4] and order[4:] == [0, 5]
    distances = crowding_distances([points[p] for p in (1, 2, 3, 4)])
    inner = dict(zip((1, 2, 3, 4), distances))
    assert [inner[p] for p in order[:4]] == sorted(distances, reverse=True)


def oracle(seed=0, population=6):
    return ParetoOracle(
        population,
        tournament=2,
        costs=("a", "b"),
        seed=seed,
        hyperparameters=SpaceEncoding(SPACE).hyperparameters(),
    )


def point_of(values):
    """A loss and two costs: the numbers of three primitives."""
    names = [*values.values()]
    counts = [names.count(p) for p in ("none", "nor_conv_3x3", "nor_conv_1x1")]
    return [float(count) for count in counts]


def do_trials(found, count):
    """Asks for trials and tells their results; returns all values."""
    all_values = []
    for _ in range(count):
        trial = ask(found)
        values = trial.hyperparameters.values
        loss, *costs = point_of(values)
        tell(found, trial, loss, dict(zip("ab", costs)))
        all_values.append(dict(values))
    return all_values


def test_the_last_of_the_crowded_order_leaves():
    found, members = oracle(), []
    for values in do_trials(found, 25):
        members.append((point_of(values), values))
        if len(members) > 6:
            del members[crowded_order([point for point, _ in members])[-1]]
    assert [(m["point"], m["values"]) for m in found.members] == members


def test_no_trial_is_repeated_and_a_child_has_one_change():
    drawn = do_trials(oracle(), 60)
    assert len({json.dumps(values) for values in drawn}) == 60
    for number in range(6, 60):
        child = drawn[number]
        changes = [
            sum(child[name] != other[name] for name in other)
            for other in drawn[:number]
        ]
        assert min(changes) == 1


def test_the_parent_is_the_first_of_those_drawn():
    """Of 200 draws from six members: all of them."""
    found = oracle()
    found.tournament = 200
    do_trials(found, 6)
    for _ in range(15):
        points = [member["point"] for member in found.members]
        first = found.members[crowded_order(points)[0]]["values"]
        (child,) = do_trials(found, 1)
        assert sum(child[name] != first[name] for name in first) == 1


def test_an_interrupted_search_has_the_same_trials(tmp_path):
    whole = do_trials(oracle(), 20)
    first = oracle()
    first._set_project_dir(tmp_path, "oracle")
    begun = do_trials(first, 13)
    again = oracle()
    again._set_project_dir(tmp_path, "oracle")
    again.reload()
    assert begun + do_trials(again, 7) == whole


def test_a_failed_trial_is_no_member():
    found = oracle()
    do_trials(found, 3)
    tell(found, ask(found), None)
    assert len(found.members) == 3


# On the table

LATENCIES = pathlib.Path(__file__).parent / "nas_bench_201_latency_ms.npz"
DEVICES = ("1080ti_1", "raspi4", "fpga")


def number_of(genotype):
    number = 0
    for edges in genotype.cells["cell"].nodes:
        for primitive, _ in sorted(edges, key=lambda edge: edge[1]):
            number = 5 * number + SPACE.primitives.index(primitive)
    return number


@pytest.fixture(scope="module")
def latencies():
    """Milliseconds of all networks; NOTICE says where they are from."""
    with np.load(LATENCIES, allow_pickle=False) as file:
        return {name: file[name].astype("float64") for name in file.files}


@pytest.fixture(scope="module")
def accuracies():
    """Of all networks, in the order of the latencies."""
    found = np.zeros(15625)
    for a, b, c, d, e, f in itertools.product(SPACE.primitives, repeat=6):
        nodes = (((a, 0),), ((b, 0), (c, 1)), ((d, 0), (e, 1), (f, 2)))
        genotype = Genotype(cells={"cell": Cell(nodes, SPACE.concat)})
        found[number_of(genotype)] = row_of(genotype).validation_accuracy
    return found


class Timed(TrialSearch):
    """A search on the table whose costs are latencies on a device."""

    def __init__(self, config, milliseconds):
        super().__init__(config, get_evaluator(TABLE)(None, config))
        self.milliseconds = milliseconds

    def time_of(self, genotype):
        return float(self.milliseconds[number_of(genotype)])

    def costs(self, evaluation, names):
        return {"milliseconds": self.time_of(evaluation.genotype)}

    def allows(self, genotype):
        return self.time_of(genotype) <= self.config.max_milliseconds


def search_table(strategy, milliseconds, **settings):
    config = tfdarts.search_config(strategy, evaluator=TABLE, **settings)
    search = Timed(fill_paper_settings(config), milliseconds)
    get_strategy(strategy).run(search)
    return search


def hypervolume(points, reference):
    """The area that points of two objectives dominate, strip by strip."""
    area, lowest = 0.0, reference[1]
    for one, other in sorted(map(tuple, points)):
        if other < lowest:
            area += (reference[0] - one) * (lowest - other)
            lowest = other
    return area


def share_of_hypervolume(search, accuracies):
    """Of that of all networks; the worst values are the reference."""
    everything = np.stack([-accuracies, search.milliseconds], axis=1)
    reference = everything.max(axis=0)
    found = [(t.rank[0], search.time_of(t.genotype)) for t in search.trials]
    return hypervolume(found, reference) / hypervolume(everything, reference)


@pytest.mark.parametrize("device", DEVICES)
def test_300_evaluations_find_the_front_of_a_device(
    device, latencies, accuracies
):
    settings = {"num_candidates": 300, "seed": 1}
    traded = {"objective": "accuracy,milliseconds", "population": 20}
    found, by_chance = (
        share_of_hypervolume(
            search_table(strategy, latencies[device], **settings, **more),
            accuracies,
        )
        for strategy, more in (
            ("evolution", {**traded, "tournament": 5}),
            ("random", {}),
        )
    )
    assert found >= 0.95
    assert found > by_chance


def test_a_limit_holds_in_100_searches(latencies):
    random = np.random.default_rng(0)
    few = {"population": 5, "tournament": 2}
    kinds = [
        ("random", {}),
        ("local_search", {}),
        ("evolution", few),
        ("evolution", {**few, "objective": "accuracy,milliseconds"}),
    ]
    for seed in range(100):
        milliseconds = latencies[DEVICES[seed % 3]]
        limit = float(np.quantile(milliseconds, random.uniform(0.1, 0.6)))
        strategy, more = kinds[seed % 4]
        settings = {"num_candidates": 12, "seed": seed, **more}
        search = search_table(
            strategy, milliseconds, max_milliseconds=limit, **settings
        )
        assert len(search.trials) == 12
        assert all(search.time_of(t.genotype) <= limit for t in search.trials)


# Settings

REFUSED = [
    ({"objective": "parameters"}, "--objective must be accuracy, or"),
    ({"objective": "accuracy,speed"}, "--objective must be accuracy, or"),
    ({"objective": "accuracy,parameters,parameters"}, "must be accuracy, or"),
    (
        {"objective": "accuracy,milliseconds", "num_workers": 2},
        "measures each network while nothing else runs",
    ),
]


@pytest.mark.parametrize(("settings", "message"), REFUSED)
def test_objectives_that_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        tfdarts.search_config("evolution", **settings)


def test_objectives_may_be_a_list():
    assert objectives(["accuracy"], "--objective") == "accuracy"
    config = tfdarts.search_config(
        "evolution", objective=["accuracy", "multiply_adds", "parameters"]
    )
    assert config.cost_objectives == ("multiply_adds", "parameters")


def test_an_evaluator_must_count():
    config = tfdarts.search_config("evolution", evaluator=TABLE)
    search = TrialSearch(config, get_evaluator(TABLE)(None, config))
    evaluation = Evaluation(SPACE.sample(0), [0.0], 0.0, parameters=7)
    assert search.costs(evaluation, ["parameters"]) == {"parameters": 7}
    with pytest.raises(ValueError, match="does not count multiply_adds"):
        search.costs(evaluation, ["parameters", "multiply_adds"])
