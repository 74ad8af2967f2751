"""The settings of each proposer against the values of its publication."""

import inspect

import keras_tuner
import pytest

import tfdarts
from tfdarts.cli.help import help_text
from tfdarts.cli.search_command import command
from tfdarts.strategies.strategy_registry import get_strategy
from tfdarts.strategies.strategy_registry import strategies
from tfdarts.tasks.presets import fill_paper_settings

PUBLISHED = {
    # Real et al., 2019, section 3.3 (AmoebaNet-A).
    "evolution": {"population": 100, "tournament": 25, "removal": "oldest"},
    # Liu et al., 2018 (hierarchical representations), sections 3 and 4.1.
    "hierarchical_evolution": {
        "population": 200,
        "tournament_share": 0.05,
        "space": "hierarchical",
    },
    # reinforce.py of Dong et al., 2021 (NATS-Bench).
    "nas_rl": {"policy_learning_rate": 0.01, "baseline_decay": 0.9},
    # Zoph and Le, 2017, section 4.1.
    "nas_rl --controller=recurrent": {
        "controller_units": 35,
        "controller_layers": 2,
        "controller_learning_rate": 0.0006,
        "trials_per_update": 8,
        "entropy_weight": 0.0,
        "reward": "paper",
    },
    # Zoph et al., 2018, section A.1; the two last ones are of Schulman et
    # al., 2017, section 6.1 and table 3.
    "nasnet": {
        "controller_units": 100,
        "controller_layers": 1,
        "controller_learning_rate": 0.00035,
        "trials_per_update": 20,
        "entropy_weight": 0.00001,
        "baseline_decay": 0.95,
        "space": "nasnet",
        "ppo_clip": 0.2,
        "ppo_epochs": 10,
    },
    # White et al., 2021, and their code.
    "local_search": {"num_initial": 10},
    # Liu et al., 2018, section 5.1.
    "pnas": {"beam": 256},
    # Code of Kandasamy et al., 2018.
    "nasbot": {"num_initial": 20},
    # bayesian.py of Auto-Keras 0.3.
    "auto_keras": {"beta": 2.576},
    "bayesian": {
        "beta": inspect.signature(
            keras_tuner.oracles.BayesianOptimizationOracle
        )
        .parameters["beta"]
        .default
    },
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_paper_s_settings_are_published(name):
    strategy, *given = name.split(" --")
    given = dict(each.split("=") for each in given)
    config = fill_paper_settings(
        tfdarts.search_config(strategy, preset="paper", **given)
    )
    found = {setting: getattr(config, setting) for setting in PUBLISHED[name]}
    assert found == PUBLISHED[name]


@pytest.mark.parametrize(
    ("name", "init_range"), [("nas_rl", 0.08), ("nasnet", 0.1)]
)
def test_initial_weights_have_the_published_range(name, init_range):
    assert get_strategy(name).init_range == init_range


def test_few_candidates_have_a_small_population():
    config = tfdarts.search_config("evolution")
    assert config.population is None
    chosen = config.auto_settings(1000, 32, 1, 0)
    assert (chosen["population"], chosen["tournament"]) == (20, 5)
    assert "learning_rate" in chosen


def test_help_has_a_line_and_a_reference_for_each_strategy():
    text = " ".join(help_text(command).split())
    for strategy in strategies():
        if type(strategy).__module__.startswith("tfdarts."):
            said = text.partition(f" {strategy.name}: ")[2]
            assert "https://" in said[:200]
            assert strategy.family in text
