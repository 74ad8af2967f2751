"""A search of candidates that is killed again and again loses nothing."""

import time

import forked
import numpy as np
import pytest

import tfdarts
from tfdarts.evaluators.nas_bench_201_table import NASBench201Evaluator
from tfdarts.records.trials import read_trials
from tfdarts.strategies.strategy_registry import get_strategy
from tfdarts.strategies.trial_search import TrialSearch

KILLS = 6
CANDIDATES = 80


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["evolution", "nas_rl", "nasnet"])
def test_a_killed_search_evaluates_the_same_candidates(strategy, tmp_path):
    settings = {"evaluator": "nas_bench_201", "num_candidates": CANDIDATES}
    if strategy == "evolution":
        settings |= {"population": 5, "tournament": 3}
    if strategy == "nasnet":
        settings |= {"controller_units": 4, "trials_per_update": 5}
        settings |= {"controller_learning_rate": 0.05, "ppo_epochs": 2}
    flags = [f"--{name}={value}" for name, value in settings.items()]
    command = ["search", f"--strategy={strategy}", *flags, "--run_dir=run"]
    generator = np.random.default_rng(0)
    search = tmp_path / "run" / "search"
    for kill in range(KILLS):
        process = forked.start(forked.FORKED, command, tmp_path)
        # Every kill lets the search come some candidates further.
        wanted = (kill + 1) * CANDIDATES // (KILLS + 2)
        while len(read_trials(search)) < wanted and process.is_alive():
            time.sleep(0.01)
        time.sleep(generator.uniform(0, 0.05))
        process.kill()
        process.join()
    assert process.exitcode == -9
    process = forked.start(forked.FORKED, command, tmp_path)
    process.join()
    assert process.exitcode == 0
    config = tfdarts.search_config(strategy, **settings)
    whole = TrialSearch(config, NASBench201Evaluator(None, config))
    get_strategy(strategy).run(whole)
    found = read_trials(search)
    assert [t.genotype for t in found] == [t.genotype for t in whole.trials]
    assert [t.seconds for t in found] == [t.seconds for t in whole.trials]
