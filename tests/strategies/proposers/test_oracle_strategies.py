"""Searches whose candidates an oracle proposes, in a run directory."""

import csv
import itertools
import json
import math

import keras_tuner
import pytest
from killed_writes import Killed
from killed_writes import kill_at_writes

import tfdarts
from tfdarts.evaluators.evaluation import Evaluation
from tfdarts.evaluators.nas_bench_201_table import NASBench201Evaluator
from tfdarts.records.trials import read_trials
from tfdarts.records.trials import write_trials
from tfdarts.strategies.proposers.oracle_strategy import OracleStrategy
from tfdarts.strategies.strategy_registry import get_strategy
from tfdarts.strategies.trial_search import TrialSearch

CONTROLLER = {
    "controller_units": 3,
    "controller_learning_rate": 0.1,
    "trials_per_update": 2,
}
SMALL = {
    "local_search": {"num_initial": 2},
    "evolution": {"population": 3, "tournament": 2},
    "nas_rl": {},
    "nas_rl recurrent": {
        "controller": "recurrent",
        **CONTROLLER,
    },
    "nasnet": {
        **CONTROLLER,
        "ppo_epochs": 2,
    },
    "bayesian": {"num_initial_points": 3},
    "nasbot": {"num_initial": 3, "acquisitions": 10},
    "auto_keras": {"num_initial": 3},
    "random": {},
}


def config_of(name, **settings):
    strategy, *_ = name.split()
    return tfdarts.search_config(
        strategy, evaluator="nas_bench_201", **SMALL.get(name, {}), **settings
    )


class Recorded(TrialSearch):
    """A search that writes its trials, and nothing else."""

    def __init__(self, config, directory):
        super().__init__(config, NASBench201Evaluator(None, config))
        self.directory = directory
        self.trials = read_trials(directory)

    def keep(self, evaluation):
        super().keep(evaluation)
        write_trials(self.directory, self.trials)
        return evaluation


def run(strategy, search):
    strategy.run(search)
    return [trial.genotype for trial in search.trials]


@pytest.mark.parametrize(
    "name",
    [
        "evolution",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in SMALL
            if name != "evolution"
        ),
    ],
)
def test_a_search_that_is_killed_anywhere_goes_on_exactly(
    name, tmp_path, monkeypatch
):
    kill_before = kill_at_writes(monkeypatch)
    config = config_of(name, num_candidates=5)
    strategy = get_strategy(config.strategy)
    expected = run(strategy, TrialSearch(config, NASBench201Evaluator(0, 0)))
    assert len({*expected}) > 3
    # A controller is compiled in each search, so it is killed less often.
    step = 7 if "controller_units" in SMALL[name] else 1
    for number in itertools.count(step=step):
        directory = tmp_path / str(number)
        directory.mkdir()
        kill_before(number)
        try:
            assert run(strategy, Recorded(config, directory)) == expected
            break
        except Killed:
            kill_before(math.inf)
        assert run(strategy, Recorded(config, directory)) == expected
    assert number > 5 * 5  # Each trial writes more files than five.


def test_a_search_ends_with_the_run_directory_of_every_search(tmp_path):
    config = config_of("evolution", num_candidates=8, run_dir=str(tmp_path))
    genotype = tfdarts.search(config)
    with (tmp_path / "search" / "trials.csv").open() as file:
        rows = [*csv.DictReader(file)]
    best = max(rows, key=lambda row: float(row["score"]))
    assert tfdarts.Genotype.from_json(best["genotype"]) == genotype
    assert (tmp_path / "search" / "candidates.png").exists()
    assert (tmp_path / "cells" / "cell.png").exists()
    recorded = json.loads((tmp_path / "search" / "config.json").read_text())
    assert (recorded["population"], recorded["removal"]) == (3, "oldest")
    # More candidates continue the same sequence.
    longer = config_of("evolution", num_candidates=9, run_dir=str(tmp_path))
    tfdarts.search(longer)
    whole = TrialSearch(longer, NASBench201Evaluator(0, 0))
    expected = run(get_strategy("evolution"), whole)
    trials = read_trials(tmp_path / "search")
    assert [trial.genotype for trial in trials] == expected


@pytest.mark.parametrize("seed", [0, 3])
def test_random_search_draws_one_genotype_of_the_space_after_the_other(seed):
    config = config_of("random", num_candidates=5, seed=seed)
    search = TrialSearch(config, NASBench201Evaluator(0, 0))
    drawn = [config.search_space.sample(seed * 2**20 + n) for n in range(5)]
    assert run(get_strategy("random"), search) == drawn


def test_a_failed_candidate_teaches_nothing():
    class Failing(NASBench201Evaluator):
        calls = 0

        def __call__(self, genotype, run_dir):
            self.calls += 1
            if self.calls in (1, 2, 3, 4, 6):
                raise MemoryError
            return super().__call__(genotype, run_dir)

    strategy, oracles = get_strategy("evolution"), []

    class Watched(type(strategy)):
        def build_oracle(self, *arguments):
            oracles.append(super().build_oracle(*arguments))
            return oracles[-1]

    config = config_of("evolution", num_candidates=8)
    search = TrialSearch(config, Failing(None, config))
    assert len(run(Watched(), search)) == 8
    failed = [trial.has_diverged for trial in search.trials]
    assert failed == [True] * 4 + [False, True, False, False]
    losses = [member["loss"] for member in oracles[0].members]
    assert losses == [search.trials[n].rank[0] for n in (4, 6, 7)]


class OfKerasTuner(OracleStrategy):
    """Random search by keras-tuner, which resumes by telling all again."""

    name = "of_keras_tuner"

    def build_oracle(self, config, hyperparameters):
        return keras_tuner.oracles.RandomSearchOracle(
            hyperparameters=hyperparameters,
            seed=config.seed + 1,
            max_trials=None,
        )


def test_any_oracle_of_keras_tuner_proposes(tmp_path):
    tfdarts.register_strategy(OfKerasTuner())
    config = config_of("of_keras_tuner", num_candidates=3)
    search = Recorded(config, tmp_path)
    first = run(OfKerasTuner(), search)
    longer = config_of("of_keras_tuner", num_candidates=5)
    resumed = run(OfKerasTuner(), Recorded(longer, tmp_path))
    assert resumed[:3] == first and len({*resumed}) == 5


def test_an_oracle_that_would_propose_other_candidates_is_refused(tmp_path):
    tfdarts.register_strategy(OfKerasTuner())
    run(OfKerasTuner(), Recorded(config_of("of_keras_tuner"), tmp_path))
    other = config_of("of_keras_tuner", seed=7, num_candidates=9)
    with pytest.raises(ValueError, match="would not propose the recorded cand"):
        run(OfKerasTuner(), Recorded(other, tmp_path))


def test_a_damaged_oracle_is_named_and_not_needed(tmp_path):
    config = config_of("evolution", num_candidates=4)
    first = run(get_strategy("evolution"), Recorded(config, tmp_path))
    state = tmp_path / "oracle" / "oracle.json"
    state.write_text("{")
    longer = config_of("evolution", num_candidates=6)
    with pytest.raises(ValueError, match="oracle is damaged.*Delete this dir"):
        run(get_strategy("evolution"), Recorded(longer, tmp_path))
    state.unlink()
    resumed = run(get_strategy("evolution"), Recorded(longer, tmp_path))
    assert resumed[:4] == first
    whole = TrialSearch(longer, NASBench201Evaluator(0, 0))
    assert resumed == run(get_strategy("evolution"), whole)


def test_a_space_that_is_used_up_ends_the_search(tmp_path, caplog):
    caplog.set_level("INFO")
    tfdarts.register_strategy(OfKerasTuner())
    config = config_of(
        "of_keras_tuner", num_candidates=200, primitives="none,nor_conv_1x1"
    )
    assert len(run(OfKerasTuner(), Recorded(config, tmp_path))) <= 2**6
    assert "the oracle has no more" in caplog.text


def test_bayesian_optimization_has_no_limit_of_its_own():
    settings = {"evaluator": "nas_bench_201", "num_candidates": 12}
    config = tfdarts.search_config("bayesian", **settings)
    search = TrialSearch(config, NASBench201Evaluator(0, 0))
    assert len(run(get_strategy("bayesian"), search)) == 12


def test_recurrent_cells_are_proposed():
    config = tfdarts.search_config(
        "evolution", dataset="pydoc", num_candidates=4
    )
    assert (config.population, config.tournament) == (20, 5)

    class Constant(tfdarts.Evaluator):
        def __call__(self, genotype, run_dir):
            return Evaluation(genotype, [0.0], 0.0, 1.0)

    search = TrialSearch(config, Constant(None, config))
    assert len(run(get_strategy("evolution"), search)) == 4
    assert search.genotype in search.space
