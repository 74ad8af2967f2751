"""A whole search on tiny settings, in this process."""

import csv
import dataclasses
import json
import logging
import shutil
import types

import numpy as np
import pytest
from scipy.special import softmax
from tensorboard_events import events
from tensorboard_events import scalars
from tiny_search import TINY

from tfdarts.data import digits
from tfdarts.data.sources import DataError
from tfdarts.genotypes import Genotype
from tfdarts.records.progress import Progress
from tfdarts.records.run_directory import Stage
from tfdarts.records.search_record import SearchRecord
from tfdarts.runs import search as search_module
from tfdarts.runs.alpha_movement import unmoved_warning
from tfdarts.runs.search import search
from tfdarts.runs.supernet_search import SupernetSearch
from tfdarts.search_spaces.cnn import CNNSearchSpace
from tfdarts.search_spaces.entropy import entropy
from tfdarts.training.divergence import DivergedError


def tiny(path, **changes):
    return dataclasses.replace(TINY, run_dir=str(path), **changes)


def load_alphas(path):
    with np.load(path / "search" / "alphas.npz") as file:
        return dict(file)


def rows_of(path):
    with (path / "search" / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("run")
    read = []
    with pytest.MonkeyPatch.context() as patch:
        original = digits.read
        patch.setattr(
            digits, "read", lambda split: read.append(split) or original(split)
        )
        genotype = search(tiny(path, tensorboard=True))
    assert read == ["train"]
    return path, genotype


def test_tensorboard_gets_the_metrics_and_pictures(run):
    path, _ = run
    directory = path / "search" / "tensorboard"
    rows = rows_of(path)
    for name, values in scalars(directory).items():
        expected = [(n, float(row[name])) for n, row in enumerate(rows, 1)]
        np.testing.assert_allclose(values, expected, rtol=1e-6)
    assert {"alphas/normal", "alphas/reduce", "cells/normal"} <= {
        *events(directory).Tags()["tensors"]
    }


def test_run_directory_holds_all_of_the_search(run):
    path, genotype = run
    assert Genotype.load(path / "genotype.json") == genotype
    status = json.loads((path / "search" / "status.json").read_text())
    assert status["state"] == "finished"
    alphas = load_alphas(path)
    weights = {name: softmax(a, axis=-1) for name, a in alphas.items()}
    last = {name: values[-1] for name, values in weights.items()}
    assert status.get("warning") == unmoved_warning(last)
    assert {name: a.shape for name, a in alphas.items()} == {
        "normal": (3, 2, 4),
        "reduce": (3, 2, 4),
    }
    space = CNNSearchSpace(num_nodes=1, primitives=TINY.primitives.split(","))
    for epoch in (1, 2):
        derived = space.derive({n: w[epoch] for n, w in weights.items()})
        kept = path / "search" / "genotypes" / f"epoch_{epoch}.json"
        assert Genotype.load(kept) == derived
    assert derived == genotype
    assert np.abs(alphas["normal"][0]).max() < 0.01
    assert not np.array_equal(alphas["normal"][1], alphas["normal"][2])
    for name in ("normal", "reduce"):
        for ending in (".dot", ".svg", ".png"):
            assert (path / "cells" / f"{name}{ending}").stat().st_size > 0
        assert list((path / "cells").glob(f"alphas_{name}*.png"))
    assert (path / "cells" / "collapse.png").stat().st_size > 0
    log = (path / "search" / "log.txt").read_text()
    assert "supernet accuracy" in log and ", step" not in log
    assert "alpha can hardly move: 4 steps (2 epochs of 2)" in log


def test_metrics_say_what_each_epoch_did(run):
    path, _ = run
    rows = rows_of(path)
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert set(rows[0]) == {
        "epoch",
        "loss",
        "alpha_loss",
        "supernet_accuracy",
        "validation_supernet_loss",
        "validation_supernet_accuracy",
        "learning_rate",
        "alpha_entropy",
        "skip_connections",
        "epochs_unchanged",
        "data_wait",
        *(
            f"entropy_{cell_type}_{predecessor}_2"
            for cell_type in ("normal", "reduce")
            for predecessor in (0, 1)
        ),
    }
    alphas = load_alphas(path)
    for epoch, row in enumerate(rows):
        both = np.concatenate([a[epoch + 1] for a in alphas.values()])
        both = softmax(both, axis=1)
        entropies = [-np.sum(p * np.log(p)) for p in both]
        shown = [
            float(row[f"entropy_{edge}"])
            for edge in ("normal_0_2", "normal_1_2", "reduce_0_2", "reduce_1_2")
        ]
        assert shown == pytest.approx(entropies, abs=1e-6)
        mean = np.mean(entropies)
        assert float(row["alpha_entropy"]) == pytest.approx(mean, abs=1e-6)
        assert 0 < float(row["data_wait"]) < 1
    assert float(rows[0]["learning_rate"]) == pytest.approx(0.1)
    halfway = 0.001 + (0.1 - 0.001) / 2
    assert float(rows[1]["learning_rate"]) == pytest.approx(halfway)
    assert (entropy(both) < np.log(4)).all()


def test_alphas_that_do_not_move_are_warned_of(tmp_path, caplog):
    with caplog.at_level(logging.WARNING, "tfdarts"):
        search(tiny(tmp_path, epochs=1, alpha_learning_rate=1e-5))
    status = json.loads((tmp_path / "search" / "status.json").read_text())
    assert status["state"] == "finished"
    assert "hardly better than chance" in status["warning"]
    assert f"search: {status['warning']}" in caplog.messages


def test_finished_search_is_not_run_again(run, monkeypatch, caplog):
    path, genotype = run
    monkeypatch.delattr(SupernetSearch, "fit")
    with caplog.at_level(logging.INFO, "tfdarts"):
        assert search(tiny(path)) == genotype
    assert "already finished" in caplog.text


def test_other_settings_are_refused_by_name(run):
    path, _ = run
    with pytest.raises(ValueError, match="seed: 0 recorded, 1 given"):
        search(tiny(path, seed=1))


def test_a_refused_extension_leaves_a_finished_search_finished(run):
    path, _ = run
    with pytest.raises(ValueError, match="seed: 0 recorded, 1 given"):
        search(tiny(path, epochs=3, seed=1))
    assert Stage(path, "search").finished


def test_interrupted_search_goes_on_as_if_it_had_not(
    run, tmp_path, monkeypatch
):
    path, genotype = run

    def interrupt(self, batch, logs=None):
        if self.epoch == 1 and batch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "on_train_batch_begin", interrupt)
        with pytest.raises(KeyboardInterrupt):
            search(tiny(tmp_path))
    status = json.loads((tmp_path / "search" / "status.json").read_text())
    assert status["state"] == "stopped"
    assert search(tiny(tmp_path)) == genotype
    expected = load_alphas(path)
    for name, alphas in load_alphas(tmp_path).items():
        np.testing.assert_array_equal(alphas, expected[name])
    assert [row["epoch"] for row in rows_of(tmp_path)] == ["1", "2"]


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("alphas.npz", lambda p: p.unlink()),
        ("alphas.npz", lambda p: p.write_bytes(p.read_bytes()[:99])),
        ("alphas.npz", lambda p: np.savez(p, normal=[1], reduce=[1])),
        ("alphas.npz", lambda p: np.savez(p, normal=[1, 2, 3])),
        ("probabilities.npz", lambda p: np.savez(p, normal=[1, 2, 3])),
        ("genotypes/epoch_1.json", lambda p: p.unlink()),
        ("genotypes/epoch_2.json", lambda p: p.write_text("{")),
    ],
)
def test_a_damaged_record_is_named_and_stays(run, tmp_path, file, damage):
    directory = tmp_path / "search"
    shutil.copytree(run[0] / "search", directory)
    damage(directory / file)
    before = {p: p.is_file() and p.read_bytes() for p in directory.rglob("*")}
    values = {"normal": None, "reduce": None}
    supernet = types.SimpleNamespace(alpha_values=lambda: values)
    darts = types.SimpleNamespace(
        supernet=supernet, probabilities=lambda: values
    )
    with pytest.raises(ValueError, match="search is damaged.*Restore an intac"):
        SearchRecord(directory, darts, first_epoch=2)
    after = {p: p.is_file() and p.read_bytes() for p in directory.rglob("*")}
    assert after == before


def test_divergence_stops_the_search_and_keeps_the_last_epoch(tmp_path):
    with pytest.raises(DivergedError, match="has diverged"):
        search(tiny(tmp_path, learning_rate=1e30, clip_norm=1e30))
    status = json.loads((tmp_path / "search" / "status.json").read_text())
    assert status["state"] == "stopped" and "diverged" in status["reason"]
    assert not (tmp_path / "genotype.json").exists()


def test_failed_drawing_is_a_warning(tmp_path, monkeypatch, caplog):
    def broken(run_dir):
        raise OSError("no space")

    monkeypatch.setattr(search_module, "draw_run", broken)
    search(tiny(tmp_path, epochs=1))
    assert (
        "The search is done, but drawing failed (OSError: no space). Try"
        in caplog.text
    )
    assert (tmp_path / "genotype.json").exists()


def test_too_large_a_batch_is_refused_before_work(tmp_path):
    with pytest.raises(DataError, match="lower --batch_size"):
        search(tiny(tmp_path, batch_size=719))
    assert not any(tmp_path.iterdir())
