"""Tuning the settings of a training."""

import dataclasses
import json
import math
import shutil

import numpy as np
import pytest
from tiny_training import SMALL
from tiny_training import TRAINING

import tfdarts
from tfdarts.cli import tune_command
from tfdarts.records.run_directory import Stage
from tfdarts.tasks.presets import fill_paper_settings
from tfdarts.tasks.tuned_settings import Tuned
from tfdarts.tasks.tuned_settings import tuned_settings
from tfdarts.training.divergence import DivergedError

TINY = dataclasses.replace(TRAINING, validation_portion=0.3)
FILLED = fill_paper_settings(TINY)
RATES = "learning_rate=0.001..1,weight_decay=1e-5..1e-2"


@pytest.fixture
def trained(monkeypatch):
    """Trainings whose result has its best value at known settings."""
    configs = []

    def train(config):
        configs.append(config)
        if config.learning_rate > 0.5:
            raise DivergedError("it is NaN")
        distance = np.log10(config.learning_rate / 0.05) ** 2
        distance += np.log10(config.weight_decay / 1e-4) ** 2
        accuracy = 1 - distance / 20 - 0.1 / config.epochs
        stage = Stage(config.run_dir, "train")
        stage.path.mkdir(parents=True, exist_ok=True)
        results = {
            "validation_accuracy": float(accuracy),
            "validation_loss": 1.0,
            "seconds": 60.0,
        }
        recorded = {
            "dataset": "digits",
            "learning_rate": config.learning_rate,
            "weight_decay": config.weight_decay,
            "epochs": config.epochs,
        }
        for name, content in (
            ("results", results),
            ("config", recorded),
            ("status", {"state": "finished", "seconds": 60.0}),
        ):
            (stage.path / f"{name}.json").write_text(json.dumps(content))
        return results

    monkeypatch.setattr("tfdarts.runs.tune.train", train)
    return configs


def tune(run_dir, training=TINY, **settings):
    if settings["tuner"] != "hyperband":
        settings = {"max_trials": 8, **settings}
    settings = {"tune": RATES, **settings}
    return tfdarts.tune(
        dataclasses.replace(training, run_dir=run_dir),
        tfdarts.TuneConfig(**settings),
    )


def distance(row):
    logs = np.log10([row["learning_rate"] / 0.05, row["weight_decay"] / 1e-4])
    return (logs**2).sum()


@pytest.mark.parametrize("tuner", ["random", "bayesian"])
def test_the_best_values_come_first(tuner, tmp_path, trained):
    ranking = tune(tmp_path, tuner=tuner)
    assert len(trained) == 8 >= len(ranking)
    failed = [c for c in trained if c.learning_rate > 0.5]
    assert len(ranking) == 8 - len(failed)
    distances = [distance(row) for row in ranking]
    assert distances == sorted(distances)
    for config in trained:
        assert 0.001 <= config.learning_rate <= 1
        assert 1e-5 <= config.weight_decay <= 1e-2
        same = {"learning_rate": 1, "weight_decay": 1, "run_dir": "r"}
        assert dataclasses.replace(config, **same) == dataclasses.replace(
            FILLED, **same
        )
    assert json.loads((tmp_path / "tuning.json").read_text()) == ranking
    assert not (tmp_path / "train").exists()


@pytest.mark.slow
def test_a_gaussian_process_is_nearer_than_chance(tmp_path, trained):
    """A quadratic with its optimum inside: the mean of three seeds."""
    best = {
        tuner: np.mean(
            [
                distance(
                    tune(
                        tmp_path / f"{tuner}{seed}",
                        dataclasses.replace(TINY, seed=seed),
                        tuner=tuner,
                        max_trials=20,
                    )[0]
                )
                for seed in range(3)
            ]
        )
        for tuner in ("random", "bayesian")
    }
    assert best["bayesian"] < best["random"] / 2


@pytest.mark.parametrize("factor", [2, 3])
def test_lengths_of_hyperband(factor, tmp_path, trained):
    """By the paper's formula: the longest, divided by powers of the factor."""
    training = dataclasses.replace(TINY, epochs=9)
    tune(tmp_path, training, tuner="hyperband", factor=factor)
    lengths = sorted({config.epochs for config in trained})
    assert {*lengths} <= {math.ceil(9 / factor**n) for n in range(5)}
    assert lengths[-2:] == [math.ceil(9 / factor), 9]


def test_hyperband_repeats_the_best_for_longer(tmp_path, trained):
    training = dataclasses.replace(TINY, epochs=9)
    ranking = tune(tmp_path, training, tuner="hyperband")
    lengths = sorted({config.epochs for config in trained})
    assert lengths[-1] == 9 and len(lengths) >= 2
    counts = [sum(c.epochs == n for c in trained) for n in lengths]
    assert counts[0] > counts[-1]
    # Those of the longest trainings are among the best of the shorter ones.
    assert ranking[0]["epochs"] == 9


@pytest.mark.parametrize("tuner", ["random", "bayesian", "hyperband"])
def test_a_tuning_resumes(tuner, tmp_path, trained, monkeypatch):
    training = dataclasses.replace(TINY, epochs=9)
    whole = tune(tmp_path / "whole", training, tuner=tuner)
    names = ("learning_rate", "weight_decay")
    expected = [[getattr(c, n) for n in names] for c in trained]
    trained.clear()
    ask = tfdarts.ask

    def killed(oracle):
        if len(trained) == 4:
            raise KeyboardInterrupt
        return ask(oracle)

    monkeypatch.setattr("tfdarts.runs.tune.ask", killed)
    with pytest.raises(KeyboardInterrupt):
        tune(tmp_path / "cut", training, tuner=tuner)
    monkeypatch.setattr("tfdarts.runs.tune.ask", ask)
    assert tune(tmp_path / "cut", training, tuner=tuner) == whole
    found = [[getattr(c, n) for n in names] for c in trained]
    assert found == expected


def test_more_trials_continue(tmp_path, trained):
    first = tune(tmp_path, tuner="random", max_trials=3)
    again = tune(tmp_path, tuner="random", max_trials=5)
    assert len(trained) == 5
    assert {row["trial"] for row in first} <= {row["trial"] for row in again}
    with pytest.raises(ValueError, match="tuner: random before, bayesian now"):
        tune(tmp_path, tuner="bayesian")


def test_it_ends_in_time(tmp_path, trained):
    training = dataclasses.replace(TINY, max_minutes=3)
    tune(tmp_path, training, tuner="random")
    assert sum(c.learning_rate <= 0.5 for c in trained) == 3
    assert [round(c.max_minutes, 3) for c in trained][0] == 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("learning_rate", [("learning_rate", 0.0025, 0.25, True, False)]),
        (
            "cutout_length, momentum=.8..0.99",
            [
                ("cutout_length", 0, 8, False, True),
                ("momentum", 0.8, 0.99, False, False),
            ],
        ),
        ("drop_path_rate=0..0.2", [("drop_path_rate", 0, 0.2, False, False)]),
    ],
)
def test_ranges(text, expected):
    found = tuned_settings(text, FILLED, side=16)
    assert found == [Tuned(*each) for each in expected]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must name settings of the training that are numbers"),
        ("rate", "Received: rate"),
        ("preset", "Received: preset"),
        ("momentum", "needs a range for momentum"),
        ("momentum=0.9..0.8", "the range must go up. Received: 0.9 to 0.8"),
        ("momentum=a..b", "must be numbers"),
        ("learning_rate=0..1", "must go up from a number above 0"),
        ("learning_rate,learning_rate", "names learning_rate twice"),
    ],
)
def test_other_ranges_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        tuned_settings(text, FILLED, side=16)


def test_validation_examples_are_needed(tmp_path, trained):
    training = dataclasses.replace(TINY, validation_portion=0.0)
    with pytest.raises(tfdarts.DataError, match="give --validation_portion"):
        tune(tmp_path, training, tuner="random")
    assert not trained and not (tmp_path / "oracle").exists()


@pytest.mark.slow
def test_the_command_leads_to_the_training(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    SMALL.save("cell.json")
    flags = [
        *("--genotype=cell.json", "--preset=paper", "--init_channels=2"),
        *("--num_cells=3", "--epochs=1", "--batch_size=256"),
        *("--auxiliary_weight=0", "--drop_path_rate=0", "--max_trials=2"),
        *("--validation_portion=0.3", "--tune=learning_rate=0.01..0.2"),
    ]
    assert tune_command.main([*flags, "--run_dir=tuned"]) == 0
    shown = capsys.readouterr().out
    *_, following = shown.strip().splitlines()
    assert following == (
        "Next: tfdarts-train --flagfile=tuned/tuned.cfg --run_dir=tuned/final"
    )
    flagfile = (tmp_path / "tuned" / "tuned.cfg").read_text()
    best = json.loads((tmp_path / "tuned" / "tuning.json").read_text())[0]
    assert f"--learning_rate={best['learning_rate']}\n" in flagfile
    assert "validation_portion" not in flagfile
    from tfdarts.cli import train_command

    arguments = following.split()[2:]
    assert train_command.main(arguments) == 0
    assert (tmp_path / "tuned" / "final" / "train" / "model.keras").exists()
    shutil.rmtree(tmp_path / "tuned" / "final")
