"""Recurrent controllers learn from the results of their trials."""

import json
import math

import numpy as np
import pytest

import tfdarts
from tfdarts.evaluators.evaluation import Evaluation
from tfdarts.search_spaces.nasnet import NASNetSearchSpace
from tfdarts.search_spaces.space_registry import SPACES
from tfdarts.strategies.controllers.cell_decisions import CellDecisions
from tfdarts.strategies.proposers.space_encoding import SpaceEncoding
from tfdarts.strategies.strategy_registry import get_strategy
from tfdarts.strategies.trial_search import TrialSearch

RECURRENT = {"controller": "recurrent", "reward": "score"}
LEARNING = {
    "nas_rl": {**RECURRENT, "trials_per_update": 4},
    "nasnet": {"trials_per_update": 4, "ppo_epochs": 3},
}
FEW = {"controller_units": 8, "controller_learning_rate": 0.03}


def share_of(genotype, primitive="tanh"):
    edges = [e for cell in genotype.cells.values() for e in cell.edges]
    return np.mean([name == primitive for name, _ in edges])


def scores(strategy, candidates, primitive="tanh", **settings):
    """The scores of a search for one primitive on all edges."""
    config = tfdarts.search_config(
        strategy, num_candidates=candidates, **settings
    )

    class Planted(tfdarts.Evaluator):
        def __call__(self, genotype, run_dir):
            score = float(share_of(genotype, primitive))
            return Evaluation(genotype, [-score], score, 1.0)

    search = TrialSearch(config, Planted(None, config))
    get_strategy(strategy).run(search)
    assert all(t.genotype in config.search_space for t in search.trials)
    return np.array([trial.score for trial in search.trials])


@pytest.mark.parametrize("strategy", LEARNING)
def test_a_planted_reward_is_learnt_and_random_does_not_find_it(strategy):
    texts = {"dataset": "pydoc", "num_nodes": 4, "seed": 1}
    random = scores("random", 120, **texts)
    found = scores(strategy, 120, **texts, **FEW, **LEARNING[strategy])
    assert found[:12].mean() < 0.6
    assert found[-20:].mean() > 0.8 > random[-20:].mean() + 0.3
    assert found.max() == 1 > random.max()


@pytest.mark.parametrize(
    ("strategy", "space"),
    [("nasnet", "nasnet"), ("nas_rl", "nas_bench_201"), ("nas_rl", "s1")],
)
def test_all_spaces_are_searched(strategy, space):
    settings = {**FEW, **LEARNING[strategy], "trials_per_update": 1}
    found = scores(strategy, 2, "skip_connect", space=space, **settings)
    assert len(found) == 2


class OneNode(NASNetSearchSpace):
    """A space of one's own."""

    name = "one_node"
    num_nodes = 1
    primitives = ("skip_connect", "max_pool_3x3")


def test_a_space_of_ones_own_is_searched(monkeypatch):
    monkeypatch.setitem(SPACES, OneNode.name, OneNode)
    found = scores(
        "nasnet",
        60,
        "skip_connect",
        space="one_node",
        **FEW,
        trials_per_update=4,
    )
    assert found[-10:].mean() > 0.85


def oracle_of(strategy="nasnet", **settings):
    config = tfdarts.search_config(
        strategy,
        dataset="pydoc",
        num_nodes=2,
        num_candidates=50,
        **FEW,
        **settings,
    )
    strategy = get_strategy(strategy)
    encoding = strategy.build_encoding(config)
    return strategy.build_oracle(config, encoding.hyperparameters())


def weights_of(oracle):
    return [v.numpy() for v in oracle.policy.controller.trainable_variables]


def run(oracle, count):
    found = []
    for _ in range(count):
        trial = tfdarts.ask(oracle)
        values = trial.hyperparameters.values
        found.append(values)
        value = sum(name == "tanh" for name in values.values())
        tfdarts.tell(oracle, trial, -value)
    return found


def test_the_controller_learns_after_each_batch_of_trials():
    oracle = oracle_of(trials_per_update=3)
    first = weights_of(oracle)
    run(oracle, 2)
    assert len(oracle.batch) == 2
    assert all((a == b).all() for a, b in zip(first, weights_of(oracle)))
    run(oracle, 1)
    assert oracle.batch == []
    assert any((a != b).any() for a, b in zip(first, weights_of(oracle)))
    assert int(oracle.policy.optimizer.iterations) == oracle.policy.epochs


def test_a_failed_trial_teaches_nothing():
    oracle = oracle_of(trials_per_update=1)
    before = json.dumps(oracle.policy.get_state())
    for value in (None, math.nan, math.inf):
        tfdarts.tell(oracle, tfdarts.ask(oracle), value)
    assert json.dumps(oracle.policy.get_state()) == before
    assert oracle.baseline.state == {"sum": 0.0, "weight": 0.0}


def test_an_oracle_goes_on_from_its_state_in_json():
    whole, first = (
        oracle_of(trials_per_update=3),
        oracle_of(trials_per_update=3),
    )
    expected = run(whole, 10)
    assert run(first, 5) == expected[:5]
    state = json.loads(json.dumps(first.get_state()))
    resumed = oracle_of(trials_per_update=3)
    resumed.trials = first.trials
    resumed.set_state(state)
    assert run(resumed, 5) == expected[5:]
    assert json.dumps(resumed.policy.get_state()) == json.dumps(
        whole.policy.get_state()
    )


@pytest.mark.parametrize(
    ("settings", "score", "reward"),
    [
        ({}, 0.9, 0.9**3),
        ({"reward": "score"}, 0.9, 0.9),
        # A perplexity of 100.
        ({"dataset": "pydoc"}, -math.log(100), 80 / 100**2),
        ({"dataset": "pydoc", "reward": "score"}, -4.5, -4.5),
    ],
)
def test_rewards_are_those_of_the_paper(settings, score, reward):
    config = tfdarts.search_config(
        "nas_rl", controller="recurrent", **FEW, **settings
    )
    arguments = get_strategy("nas_rl").oracle_arguments(config)
    assert arguments.get("reward", float)(score) == pytest.approx(reward)


def test_the_encoding_follows_the_controller():
    for controller, kind in (
        ("tabular", SpaceEncoding),
        ("recurrent", CellDecisions),
    ):
        config = tfdarts.search_config("nas_rl", controller=controller)
        assert isinstance(get_strategy("nas_rl").build_encoding(config), kind)


def test_the_default_space_is_that_of_nasnet():
    assert tfdarts.search_config("nasnet").search_space.name == "nasnet"
    texts = tfdarts.search_config("nasnet", dataset="pydoc")
    assert texts.search_space.name == "darts_rnn"
    table = tfdarts.search_config("nasnet", evaluator="nas_bench_201")
    assert table.search_space.name == "nas_bench_201"


def test_settings_without_effect_are_refused():
    with pytest.raises(
        ValueError, match="--trials_per_update=9 needs a larger"
    ):
        tfdarts.search_config("nasnet", trials_per_update=9, num_candidates=9)
    for dataset in ("digits", "pydoc"):
        config = tfdarts.search_config(
            "nas_rl", dataset=dataset, controller_units=4
        )
        message = "--controller_units=4 has no effect with --controller=tabula"
        with pytest.raises(ValueError, match=message):
            tfdarts.search(config)
        # What few candidates choose for the other controller is not given.
        plain = tfdarts.search_config("nas_rl", dataset=dataset)
        assert plain.controller_learning_rate is None
