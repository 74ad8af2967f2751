"""Searches whose candidates are all proposed without any result."""

import pytest

import tfdarts
from tfdarts.evaluators.evaluation import Evaluation
from tfdarts.strategies.proposers.oracle_strategy import OracleSettings
from tfdarts.strategies.strategy_registry import get_strategy
from tfdarts.strategies.strategy_registry import strategies
from tfdarts.strategies.trial_search import TrialSearch

FIRST = {
    "local_search": "num_initial",
    "nasbot": "num_initial",
    "auto_keras": "num_initial",
    "bayesian": "num_initial_points",
    "evolution": "population",
    "hierarchical_evolution": "population",
    "nas_rl": "trials_per_update",
    "nasnet": "trials_per_update",
}
OTHERS = {"nas_rl": {"controller": "recurrent"}}


def config_of(strategy, number, num_candidates):
    given = {} if number is None else {FIRST[strategy]: number}
    return tfdarts.search_config(
        strategy,
        dataset="digits" if strategy.startswith("hier") else "pydoc",
        num_candidates=num_candidates,
        **given,
        **OTHERS.get(strategy, {}),
    )


class Constant(tfdarts.Evaluator):
    def __call__(self, genotype, run_dir):
        return Evaluation(genotype, [0.0], 0.0, 1.0)


def test_every_strategy_with_such_a_setting_is_here():
    found = {
        strategy.name: strategy.settings.learns_after
        for strategy in strategies()
        if issubclass(strategy.settings or object, OracleSettings)
        and strategy.settings.learns_after
    }
    assert found == FIRST


@pytest.mark.parametrize("strategy", FIRST)
def test_as_many_first_candidates_as_candidates_are_refused(strategy):
    name = FIRST[strategy]
    message = f"--{name}=6 needs a larger --num_candidates than 6, because the"
    with pytest.raises(ValueError, match=message):
        config_of(strategy, 6, 6)
    assert getattr(config_of(strategy, 6, 7), name) == 6


@pytest.mark.parametrize(
    ("strategy", "first"), [("local_search", 10), ("evolution", 20)]
)
def test_defaults_that_leave_nothing_to_learn_are_said(strategy, first, caplog):
    config = config_of(strategy, None, 3)
    get_strategy(strategy).run(TrialSearch(config, Constant(None, config)))
    said = f"without any result, as --{FIRST[strategy]} is {first}: raise"
    assert f"all 3 candidates are proposed {said}" in caplog.text
    caplog.clear()
    config = config_of(strategy, 2, 3)
    get_strategy(strategy).run(TrialSearch(config, Constant(None, config)))
    assert "without any result" not in caplog.text
