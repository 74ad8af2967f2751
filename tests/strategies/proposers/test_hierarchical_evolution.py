"""Hierarchical evolution: tournaments, mutations, searches that resume."""

import collections
import itertools
import math

import numpy as np
import pytest
import scipy.stats
from killed_writes import Killed
from killed_writes import kill_at_writes

import tfdarts
from tfdarts.evaluators.evaluation import Evaluation
from tfdarts.records.trials import read_trials
from tfdarts.records.trials import write_trials
from tfdarts.search_spaces.hierarchical import HierarchicalSearchSpace
from tfdarts.strategies.proposers.evolution_oracle import EvolutionOracle
from tfdarts.strategies.proposers.hierarchical_evolution_oracle import (
    HierarchicalEvolutionOracle,
)
from tfdarts.strategies.strategy_registry import get_strategy
from tfdarts.strategies.trial_search import TrialSearch

SPACE = HierarchicalSearchSpace(1)
TINY = {"space": "hierarchical", "num_nodes": 1}


def pooled(genotype):
    """The share of motifs' edges that are max pooling."""
    edges = [
        name
        for cell_type, cell in genotype.cells.items()
        for name, _ in cell.edges
        if cell_type != "cell_of_motifs"
    ]
    return edges.count("max_pool_3x3") / len(edges)


class Planted(tfdarts.Evaluator):
    def __call__(self, genotype, run_dir):
        score = pooled(genotype)
        return Evaluation(genotype, [-score], score, 1.0)


def config_of(strategy="hierarchical_evolution", **settings):
    small = {}
    if strategy == "hierarchical_evolution":
        small = {"population": 3, "tournament_share": 0.7}
    return tfdarts.search_config(strategy, **{**TINY, **small, **settings})


def run(config, search=None):
    search = search or TrialSearch(config, Planted(None, config))
    get_strategy(config.strategy).run(search)
    return [trial.genotype for trial in search.trials]


class Recorded(TrialSearch):
    """A search that writes its trials, and nothing else."""

    def __init__(self, config, directory):
        super().__init__(config, Planted(None, config))
        self.directory = directory
        self.trials = read_trials(directory)

    def keep(self, evaluation):
        super().keep(evaluation)
        write_trials(self.directory, self.trials)
        return evaluation


def oracle_with(losses, share):
    """An oracle with members of these losses, whose children are copies."""

    class Copying(HierarchicalEvolutionOracle):
        def mutate(self, values, generator):
            return values

    oracle = Copying(SPACE, population=1, tournament_share=share)
    for number, loss in enumerate(losses):
        oracle.learn({"number": number}, loss)
    oracle.start_order = ["0"] * len(losses)
    return oracle


@pytest.mark.parametrize(("share", "drawn"), [(0.05, 1), (0.2, 2), (0.5, 6)])
def test_a_tournament_is_a_set_of_a_share_of_all_members(share, drawn):
    """The best of k different ones of n, in closed form."""
    losses = np.random.default_rng(0).permutation(12).astype(float)
    oracle, count = oracle_with(losses, share), 3000
    parents = collections.Counter(
        oracle.propose(np.random.default_rng(seed))["number"]
        for seed in range(count)
    )
    expected = [
        count * math.comb(11 - rank, drawn - 1) / math.comb(12, drawn)
        for rank in range(13 - drawn)
    ]
    found = [parents[int(place)] for place in np.argsort(losses)]
    assert sum(found[13 - drawn :]) == 0
    assert scipy.stats.chisquare(found[: 13 - drawn], expected).pvalue > 1e-3


def test_a_tournament_grows_with_the_population():
    for number, drawn in ((1, 1), (20, 1), (60, 3), (200, 10), (7000, 350)):
        oracle = oracle_with(range(number), 0.05)
        found = oracle.draw_members(np.random.default_rng(0))
        assert len({*found.tolist()}) == drawn


def test_nobody_leaves():
    oracle = HierarchicalEvolutionOracle(SPACE, 2, 0.5)
    for number in range(9):
        trial = tfdarts.ask(oracle)
        tfdarts.tell(oracle, trial, float(number))
    assert [m["loss"] for m in oracle.members] == [*map(float, range(9))]
    # The same setting of the evolution that others use.
    for removal, left in (("none", 9), ("oldest", 2)):
        other = EvolutionOracle(2, 1, removal)
        for number in range(9):
            other.learn({}, number)
        assert len(other.members) == left


def test_the_first_are_samples_and_the_others_mutations():
    config = config_of(num_candidates=12)
    found = run(config)
    assert all(each in config.search_space for each in found)
    assert len({*found[:3]}) == 3
    for number, child in enumerate(found[3:], 3):
        neighbors = {*config.search_space.neighbors(child)}
        assert neighbors & {*found[:number]}
    assert not {*config.search_space.neighbors(found[0])} & {*found[1:3]}


def test_the_first_are_mutations_of_the_identity():
    oracle = HierarchicalEvolutionOracle(SPACE, 3, 0.5, seed=4)
    values = tfdarts.ask(oracle).hyperparameters.values
    expected = SPACE.draw(np.random.default_rng([5, 0]))
    assert oracle.encoding.decode(values) == expected


def test_a_planted_reward_is_found_and_random_does_not_find_it():
    best = {}
    for strategy in ("hierarchical_evolution", "random"):
        given = {"num_candidates": 200}
        if strategy != "random":
            given |= {"population": 20, "tournament_share": 0.25}
        found = run(config_of(strategy, **given))
        best[strategy] = max(map(pooled, found))
    assert best["hierarchical_evolution"] > best["random"] + 1 / 6


def test_a_search_that_is_killed_anywhere_goes_on_exactly(
    tmp_path, monkeypatch
):
    kill_before = kill_at_writes(monkeypatch)
    config = config_of(num_candidates=5)
    expected = run(config)
    for number in itertools.count():
        directory = tmp_path / str(number)
        directory.mkdir()
        kill_before(number)
        try:
            assert run(config, Recorded(config, directory)) == expected
            break
        except Killed:
            kill_before(math.inf)
        assert run(config, Recorded(config, directory)) == expected
    assert number > 5 * 5


@pytest.mark.parametrize(
    ("strategy", "settings"),
    [
        ("random", {}),
        ("local_search", {"num_initial": 2}),
        ("evolution", {"population": 2, "tournament": 2}),
        ("nas_rl", {}),
        ("bayesian", {"num_initial_points": 3}),
    ],
)
def test_other_proposers_search_the_space(strategy, settings):
    config = config_of(strategy, num_candidates=6, **settings)
    found = run(config)
    assert len(found) == 6
    assert all(each in config.search_space for each in found)


@pytest.mark.parametrize(
    ("strategy", "settings"),
    [
        ("nas_rl", {"controller": "recurrent"}),
        ("nasnet", {}),
        ("pnas", {}),
        ("nasbot", {}),
        ("auto_keras", {}),
    ],
)
def test_proposers_of_equal_cells_refuse_the_space(strategy, settings):
    with pytest.raises(
        ValueError, match="with hierarchical_evolution, or with"
    ):
        config_of(strategy, num_candidates=2, **settings)


def test_spaces_without_motifs_are_refused():
    message = "searches only spaces of motifs, such as --space=hierarchical"
    for settings in (
        {"space": "nasnet"},
        {"dataset": "pydoc"},
        {"evaluator": "nas_bench_201"},
    ):
        with pytest.raises(ValueError, match=message):
            tfdarts.search_config("hierarchical_evolution", **settings)
    for share in (0, 1.1):
        with pytest.raises(ValueError, match="--tournament_share must be"):
            config_of(tournament_share=share)
