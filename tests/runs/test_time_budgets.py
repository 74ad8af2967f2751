"""`--max_minutes`: a run ends in time, and more minutes resume it."""

import dataclasses
import json
import logging
import types

import numpy as np
import pytest
import tiny_search
import tiny_training

import tfdarts
from tfdarts.records.progress import Progress
from tfdarts.records.run_directory import Stage
from tfdarts.records.trials import read_trials
from tfdarts.runs.time_budget import time_limit_of

SEARCH = dataclasses.replace(tiny_search.TINY, batch_size=128)
TRAINING = dataclasses.replace(
    tiny_training.TRAINING, epochs=2, validation_portion=0.3
)


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """A step takes a minute, and all else no time."""
    clock = types.SimpleNamespace(steps=0)
    step = Progress.on_train_batch_end

    def count(self, batch, logs=None):
        step(self, batch, logs)
        clock.steps += 1

    monkeypatch.setattr(Progress, "on_train_batch_end", count)
    made = Stage.__init__

    def make(self, *args):
        made(self, *args)
        self.first = clock.steps

    def seconds(self):
        if self._seconds_before is None:
            self._seconds_before = self.status().get("seconds", 0.0)
        return self._seconds_before + 60.0 * (clock.steps - self.first)

    monkeypatch.setattr(Stage, "__init__", make)
    monkeypatch.setattr(Stage, "seconds", property(seconds))
    return clock


def status_of(path):
    return json.loads((path / "status.json").read_text())


def arrays_of(path):
    with np.load(path / "search" / "alphas.npz") as arrays:
        return {name: arrays[name] for name in arrays}


def test_a_search_ends_in_time_and_resumes(tmp_path, clock, caplog):
    """Each epoch has 5 steps. The limit sees the time before its step."""
    whole, limited = tmp_path / "whole", tmp_path / "limited"
    tfdarts.search(dataclasses.replace(SEARCH, run_dir=whole))
    assert clock.steps == 10
    clock.steps = 0
    config = dataclasses.replace(SEARCH, run_dir=limited, max_minutes=7)
    with caplog.at_level(logging.INFO, "tfdarts"):
        genotype = tfdarts.search(config)
    assert clock.steps == 8
    assert "search: epoch 2/2, ended after step 3/5: loss" in caplog.text
    assert (
        "search: ended after 8.00 minutes, because of --max_minutes=7: the "
        "result is the genotype of epoch 2. To continue, run the same command "
        "with a larger --max_minutes." in caplog.text
    )
    search = limited / "search"
    status = status_of(search)
    assert (status["state"], status["epoch"]) == ("finished", 1)
    assert status["out_of_time"] == 7 and status["best_epoch"] == 2
    assert (limited / "cells" / "normal.png").exists()
    assert genotype == tfdarts.Genotype.load(limited / "genotype.json")
    # The checkpoint is that of the last whole epoch.
    assert [*search.glob("checkpoints/ckpt-2.index")] == []

    assert tfdarts.search(config) == genotype  # There is no time left.
    assert tfdarts.search(dataclasses.replace(config, max_minutes=5))
    assert clock.steps == 8
    tfdarts.search(dataclasses.replace(config, max_minutes=0))
    assert clock.steps == 8 + 5
    for name, values in arrays_of(whole).items():
        np.testing.assert_array_equal(arrays_of(limited)[name], values)
    (kept,) = search.glob("after_*")
    assert kept.name == "after_480_seconds"
    assert tfdarts.Genotype.load(kept / "genotype.json") == genotype
    status = status_of(search)
    assert (status["state"], status["epoch"]) == ("finished", 2)
    assert status["seconds"] == 60 * 13 and "out_of_time" not in status


def test_a_training_ends_in_time_and_resumes(tmp_path, clock):
    """Each epoch has 3 steps."""
    whole, limited = tmp_path / "whole", tmp_path / "limited"
    config = dataclasses.replace(TRAINING, run_dir=whole)
    expected = tfdarts.train(config)
    assert clock.steps == 6
    clock.steps = 0
    config = dataclasses.replace(config, run_dir=limited, max_minutes=1)
    first = tfdarts.train(config)
    assert clock.steps == 2 and first["seconds"] == 120
    assert not [*limited.glob("train/checkpoints/*.index")]
    tested = tfdarts.evaluate(limited)  # The network can be used.
    assert "test_loss" in tested

    resumed = dataclasses.replace(config, max_minutes=30)
    assert tfdarts.train(resumed)["loss"] == expected["loss"]
    assert clock.steps == 2 + 6
    results = json.loads((limited / "train" / "results.json").read_text())
    assert "test_loss" not in results
    kept = limited / "train" / "after_120_seconds"
    assert {path.name for path in kept.iterdir()} == {
        *("results.json", "model.keras", "evaluation")
    }
    assert (
        json.loads((limited / "train" / "config.json").read_text())[
            "max_minutes"
        ]
        == 30
    )


def test_a_selection_ends_in_time_and_resumes(tmp_path, clock, caplog):
    """Each candidate takes 4 steps."""
    files = []
    for name in ("skip_connect", "avg_pool_3x3", "max_pool_3x3"):
        edges = ((name, 0), (name, 1))
        files.append(str(tmp_path / f"{name}.json"))
        tfdarts.Genotype(edges, (2,), edges, (2,)).save(files[-1])
    config = dataclasses.replace(
        tiny_training.SELECTION, run_dirs=files, run_dir=tmp_path
    )
    with pytest.raises(ValueError, match="--max_minutes=2 was not enough to"):
        tfdarts.select(dataclasses.replace(config, max_minutes=2))
    assert clock.steps == 3 and not (tmp_path / "selection.json").exists()
    clock.steps = 0
    with caplog.at_level(logging.INFO, "tfdarts"):
        ranking = tfdarts.select(dataclasses.replace(config, max_minutes=9))
    assert [row["genotype"] for row in ranking] == files[:1]
    assert clock.steps == 4 + 3
    assert (
        "select: ended because of --max_minutes=9, with 1 of 3 candidates "
        "trained. To continue, run the same command with a larger"
        in caplog.text
    )
    clock.steps = 0
    assert len(tfdarts.select(config)) == 3
    assert clock.steps == 4 + 4
    again = tfdarts.select(dataclasses.replace(config, max_minutes=1))
    assert len(again) == 3 and clock.steps == 8  # They are trained already.


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["random_sharing", "enas"])
def test_shared_weights_choose_in_time(strategy, tmp_path, clock):
    settings = {
        field.name: getattr(SEARCH, field.name)
        for field in dataclasses.fields(SEARCH)
        if field.name
        in ("preset", "init_channels", "num_cells", "num_nodes", "primitives")
    }
    config = tfdarts.search_config(
        strategy,
        **settings,
        **({"controller_steps": 1} if strategy == "enas" else {}),
        epochs=2,
        batch_size=128,
        train_portion=0.5,
        num_candidates=3,
        num_finalists=1,
        run_dir=tmp_path,
        max_minutes=2.5,
    )
    genotype = tfdarts.search(config)
    # A fifth of the time is kept, so the limit of the steps is 2.
    assert clock.steps == 3
    rows = (tmp_path / "search" / "candidates.csv").read_text().splitlines()
    assert len(rows) == 1 + 1  # 2.5 minutes were over.
    assert not [*tmp_path.glob("search/checkpoints/*.index")]
    assert status_of(tmp_path / "search")["out_of_time"] == 2.5
    assert (
        json.loads(rows[1].split(",", 3)[3].strip('"').replace('""', '"'))[
            "cells"
        ]
        == genotype.to_dict()["cells"]
    )
    tfdarts.search(dataclasses.replace(config, max_minutes=0))
    rows = (tmp_path / "search" / "candidates.csv").read_text().splitlines()
    assert clock.steps == 3 + 10 and len(rows) > 2


CANDIDATES = {
    "preset": "paper",
    "init_channels": 2,
    "num_cells": 3,
    "num_nodes": 1,
    "primitives": "none,max_pool_3x3,skip_connect",
    "epochs": 1,
    "batch_size": 128,
    "auxiliary_weight": 0.0,
    "drop_path_rate": 0.0,
    "num_candidates": 2,
}


@pytest.mark.slow
def test_a_candidate_ends_in_time_and_resumes(tmp_path, clock):
    """Each candidate takes 5 steps."""
    whole, limited = tmp_path / "whole", tmp_path / "limited"
    config = tfdarts.search_config("random", **CANDIDATES, run_dir=whole)
    tfdarts.search(config)
    assert clock.steps == 10
    clock.steps = 0
    config = dataclasses.replace(config, run_dir=limited, max_minutes=7)
    genotype = tfdarts.search(config)
    trials = read_trials(limited / "search")
    assert len(trials) == 1 and trials[0].genotype == genotype
    assert clock.steps == 8
    status = status_of(limited / "search")
    assert status["out_of_time"] == 7 and status["best_candidate"] == 1
    tfdarts.search(config)
    assert clock.steps == 8

    tfdarts.search(dataclasses.replace(config, max_minutes=60))
    found, expected = (
        [(trial.genotype, trial.rank) for trial in read_trials(p / "search")]
        for p in (limited, whole)
    )
    assert found == expected


def test_without_a_candidate_the_first_one_is_the_result(tmp_path, clock):
    config = tfdarts.search_config(
        "random", **CANDIDATES, run_dir=tmp_path, max_minutes=0.5
    )
    genotype = tfdarts.search(config)
    assert genotype in config.search_space
    assert "nothing is known of it" in status_of(tmp_path / "search")["warning"]


def test_several_processes_have_no_limit():
    distribution = types.SimpleNamespace(
        num_replicas_in_sync=2,
        extended=types.SimpleNamespace(worker_devices=("CPU:0",)),
        cluster_resolver=types.SimpleNamespace(task_id=0),
    )
    with pytest.raises(ValueError, match="--max_minutes would end each worker"):
        time_limit_of(
            None, dataclasses.replace(SEARCH, max_minutes=1), distribution
        )
