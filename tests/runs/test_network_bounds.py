"""Candidates above a bound are never evaluated."""

import json

import pytest

import tfdarts
from tfdarts.cli.search_command import command
from tfdarts.evaluators.evaluator import FROM_SCRATCH
from tfdarts.records.trials import read_trials
from tfdarts.runs.evaluator_registry import get_evaluator
from tfdarts.runs.network_bounds import NetworkBounds
from tfdarts.search_spaces.nas_bench_201 import NASBench201SearchSpace
from tfdarts.strategies.strategy_registry import get_strategy
from tfdarts.strategies.trial_search import TrialSearch
from tfdarts.tasks.presets import fill_paper_settings
from tfdarts.tasks.task_registry import task_of_config

TABLE = "nas_bench_201"
PROPOSERS = [
    *("random", "local_search", "evolution", "nas_rl", "nasnet"),
    *("auto_keras", "nasbot"),
]


def num_convolutions(genotype):
    (cell,) = genotype.cells.values()
    return sum("conv" in name for name, _ in cell.edges)


class Bounded(TrialSearch):
    """A search whose genotypes may have two convolutions."""

    def allows(self, genotype):
        return num_convolutions(genotype) <= 2


@pytest.mark.parametrize("strategy", PROPOSERS)
def test_a_proposer_keeps_the_bound(strategy):
    """Without it, 6 % of random genotypes would have so few convolutions."""
    few = {"evolution": {"population": 8, "tournament": 3}}
    config = tfdarts.search_config(
        strategy,
        evaluator=TABLE,
        num_candidates=25,
        max_parameters="1k",
        **few.get(strategy, {}),
    )
    config = fill_paper_settings(config)
    search = Bounded(config, get_evaluator(TABLE)(None, config))
    get_strategy(strategy).run(search)
    counts = [num_convolutions(trial.genotype) for trial in search.trials]
    assert len(counts) == 25 and max(counts) <= 2


def test_without_the_bound_there_are_more():
    config = tfdarts.search_config("random", evaluator=TABLE, num_candidates=25)
    search = TrialSearch(config, get_evaluator(TABLE)(None, config))
    get_strategy("random").run(search)
    assert max(num_convolutions(t.genotype) for t in search.trials) > 2


def test_the_others_refuse_a_bound():
    config = tfdarts.search_config(
        "bayesian", evaluator=TABLE, max_parameters=1000
    )
    search = Bounded(config, get_evaluator(TABLE)(None, config))
    with pytest.raises(ValueError, match="takes no bounds of the network"):
        get_strategy("bayesian").run(search)


@pytest.fixture
def counted(monkeypatch):
    """Lets a network have 100 parameters for each convolution."""
    calls = []

    def cost(self, genotype):
        calls.append(genotype)
        return {"parameters": 100 * num_convolutions(genotype)}

    monkeypatch.setattr(NetworkBounds, "cost", cost)
    return calls


def table_search(run_dir, strategy="random", **settings):
    return tfdarts.search_config(
        strategy, evaluator=TABLE, run_dir=run_dir, **settings
    )


@pytest.mark.parametrize("strategy", ["random", "evolution"])
def test_a_search_resumes_with_the_same_candidates(strategy, counted, tmp_path):
    settings = {"strategy": strategy, "max_parameters": 250}
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    winner = tfdarts.search(table_search(whole, **settings, num_candidates=9))
    for count in (4, 9):
        tfdarts.search(table_search(parts, **settings, num_candidates=count))
    candidates = [
        [trial.genotype for trial in read_trials(path / "search")]
        for path in (whole, parts)
    ]
    assert candidates[0] == candidates[1]
    assert max(map(num_convolutions, candidates[0])) <= 2
    assert num_convolutions(winner) <= 2
    kept = json.loads((whole / "search" / "network_costs.json").read_text())
    assert all(0 <= cost["parameters"] <= 600 for cost in kept.values())
    recorded = json.loads((whole / "search" / "config.json").read_text())
    assert recorded["max_parameters"] == 250


def test_nothing_fits(tmp_path, monkeypatch):
    monkeypatch.setattr(
        NetworkBounds, "cost", lambda self, genotype: {"parameters": 700}
    )
    with pytest.raises(ValueError) as caught:
        tfdarts.search(table_search(tmp_path, max_parameters=699))
    assert str(caught.value) == (
        "None of 100 genotypes in a row has a network within "
        "--max_parameters=699; the least of all was 700 parameters. Raise the "
        "bound, or give a smaller network, such as fewer --init_channels."
    )


def test_the_winner_is_counted_again(counted, tmp_path, monkeypatch):
    config = table_search(tmp_path, max_parameters=150)
    monkeypatch.setattr(NetworkBounds, "allow", lambda self, genotype: True)
    with pytest.raises(ValueError, match="which is more than --max_parameters"):
        tfdarts.search(config)


def test_the_network_is_that_of_the_training():
    config = tfdarts.search_config(
        "random",
        init_channels=4,
        num_cells=3,
        max_parameters="500k",
        max_multiply_adds=10**7,
        max_milliseconds=1000,
    )
    task = task_of_config(config)
    config = task.apply_selection_preset(config)
    from tfdarts.tasks.run_data import find_data

    bounds = NetworkBounds(task, config, find_data(config))
    genotype = config.search_space.sample(3)
    found = bounds.cost(genotype)
    expected = tfdarts.genotype_cost(genotype, 4, 3, 10, (16, 16, 1))
    assert found.pop("milliseconds") > 0
    assert found == {
        name: expected[name] for name in ("parameters", "multiply_adds")
    }
    bounds.limits = {"parameters": expected["parameters"]}
    assert bounds.allow(genotype)
    bounds.limits = {"parameters": expected["parameters"] - 1}
    assert not bounds.allow(genotype)


def test_an_evaluator_without_training_has_the_default_network(tmp_path):
    config = table_search(tmp_path, max_parameters=10**9)
    task = task_of_config(config)
    from tfdarts.tasks.run_data import find_data

    source = find_data(config)
    bounds = NetworkBounds(task, config, source)
    genotype = NASBench201SearchSpace().sample(0)
    settings = bounds.settings_of(genotype)
    # Those of --preset=auto for digits.
    assert (settings.init_channels, settings.num_cells) == (16, 8)


def test_texts_have_no_bounds(tmp_path):
    config = tfdarts.search_config(
        "random", dataset="pydoc", run_dir=tmp_path, max_parameters=5
    )
    with pytest.raises(ValueError, match="--max_parameters=5 is only for net"):
        tfdarts.search(config)


def test_workers_would_disturb_a_clock():
    with pytest.raises(ValueError, match="--max_milliseconds measures each"):
        tfdarts.search_config("random", max_milliseconds=5, num_workers=2)


@pytest.mark.parametrize("value", ["0", "-3", "many", "5x", "nan", True, ""])
def test_no_amount(value):
    with pytest.raises(ValueError, match="--max_parameters must be a positive"):
        tfdarts.search_config("random", max_parameters=value)


@pytest.mark.parametrize(
    ("flags", "advice"),
    [
        (["--init_channels=4"], "give --train_init_channels=4"),
        (
            ["--train_num_cells=4"],
            "leave --train_num_cells out, or give --num_cells=4 too",
        ),
        (
            [f"--evaluator={TABLE}", "--train_init_channels=4"],
            "leave --train_init_channels out.",
        ),
    ],
)
def test_a_training_of_another_network_is_refused(flags, advice, capsys):
    arguments = [
        *("--strategy=random", "--max_parameters=500k"),
        *("--run_dir=unused", *flags),
    ]
    assert command.main(arguments) == 2
    assert advice in " ".join(capsys.readouterr().err.split())


def test_methods_without_bounds_are_told_of_others(capsys):
    arguments = ["--strategy=sgas", "--max_parameters=500k"]
    assert command.main([*arguments, "--run_dir=unused"]) == 2
    assert "--strategy=darts" in " ".join(capsys.readouterr().err.split())


def test_the_default_evaluator_trains():
    assert tfdarts.search_config("random").evaluator == FROM_SCRATCH
