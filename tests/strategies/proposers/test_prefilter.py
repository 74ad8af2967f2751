"""The best of several proposals becomes a candidate."""

import pytest

import tfdarts
from tfdarts.records.trials import read_trials
from tfdarts.runs.evaluator_registry import get_evaluator
from tfdarts.runs.network_bounds import NetworkBounds
from tfdarts.runs.prescores import Prescores
from tfdarts.search_spaces.nas_bench_201 import NASBench201SearchSpace
from tfdarts.strategies.strategy import MOST_CANDIDATES
from tfdarts.strategies.strategy_registry import get_strategy
from tfdarts.strategies.trial_search import TrialSearch
from tfdarts.tasks.presets import fill_paper_settings
from tfdarts.tasks.run_data import find_data
from tfdarts.tasks.task_registry import task_of_config

TABLE = "nas_bench_201"
POOL = 4
DRAWING = ["random", "local_search", "evolution", "nas_rl", "nasnet"]


def num_convolutions(genotype):
    (cell,) = genotype.cells.values()
    return sum("conv" in name for name, _ in cell.edges)


class Prescored(TrialSearch):
    """A search that prefers genotypes of many convolutions."""

    def prescore(self, genotype):
        return num_convolutions(genotype)


def run(strategy, **settings):
    few = {"evolution": {"population": 8, "tournament": 3}}
    config = tfdarts.search_config(
        strategy, evaluator=TABLE, **few.get(strategy, {}), **settings
    )
    config = fill_paper_settings(config)
    search = Prescored(config, get_evaluator(TABLE)(None, config))
    get_strategy(strategy).run(search)
    return [trial.genotype for trial in search.trials]


def best_of_draws(seed, count):
    """The best of each four draws of the space, by brute force."""
    space, first = NASBench201SearchSpace(), seed * MOST_CANDIDATES
    draws = [space.sample(first + n) for n in range(count * POOL)]
    return [
        max(draws[at : at + POOL], key=num_convolutions)
        for at in range(0, len(draws), POOL)
    ]


def test_random_search_takes_the_best_of_its_draws():
    found = run(
        "random",
        num_candidates=6,
        prefilter="params",
        prefilter_pool=POOL,
        seed=3,
    )
    assert found == best_of_draws(3, 6)


@pytest.mark.parametrize("strategy", DRAWING)
def test_candidates_are_better_than_without(strategy):
    settings = {"num_candidates": 20}
    without, chosen = (
        sum(map(num_convolutions, run(strategy, **settings, **more)))
        for more in ({}, {"prefilter": "params", "prefilter_pool": 8})
    )
    assert chosen > without + 10


@pytest.mark.parametrize("strategy", ["nasbot", "auto_keras", "bayesian"])
def test_others_have_nothing_to_choose(strategy):
    with pytest.raises(ValueError, match="--prefilter has nothing to choose"):
        run(strategy, num_candidates=30, prefilter="params")


def test_a_resumed_search_has_the_same_candidates(tmp_path, monkeypatch):
    monkeypatch.setattr(
        Prescores, "_score", lambda self, genotype: num_convolutions(genotype)
    )

    def search(path, count):
        tfdarts.search(
            tfdarts.search_config(
                "random",
                evaluator=TABLE,
                prefilter="synflow",
                prefilter_pool=POOL,
                num_candidates=count,
                run_dir=tmp_path / path,
            )
        )
        return [t.genotype for t in read_trials(tmp_path / path / "search")]

    assert search("parts", 3) == best_of_draws(0, 3)
    assert search("parts", 6) == search("whole", 6) == best_of_draws(0, 6)


@pytest.mark.parametrize("kind", ["synflow", "jacov", "grad_norm", "params"])
def test_the_score_of_a_network(kind):
    """Scores are of the seed, and genotypes differ."""
    config = tfdarts.search_config(
        "random", init_channels=2, num_cells=3, num_nodes=1, prefilter=kind
    )
    task = task_of_config(config)
    config = task.apply_selection_preset(config)

    def scores():
        bounds = NetworkBounds(task, config, find_data(config))
        prescores = Prescores(bounds)
        return [
            prescores.scores.of(config.search_space.sample(seed))
            for seed in (1, 2)
        ]

    first, second = scores(), scores()
    assert first == pytest.approx(second, rel=1e-4)
    assert first[0] != first[1]
    if kind == "params":
        size = {"init_channels": 2, "num_cells": 3, "input_shape": (16, 16, 1)}
        cost = tfdarts.genotype_cost(config.search_space.sample(1), **size)
        assert first[0] == cost["parameters"]


def test_texts_have_no_score(tmp_path):
    config = tfdarts.search_config(
        "random", dataset="pydoc", run_dir=tmp_path, prefilter="synflow"
    )
    with pytest.raises(ValueError, match="--prefilter=synflow is only for net"):
        tfdarts.search(config)


def test_a_pool_without_a_score_is_refused():
    config = tfdarts.search_config("random", prefilter_pool=3)
    with pytest.raises(ValueError, match="--prefilter_pool=3 has no effect"):
        tfdarts.search(config)
