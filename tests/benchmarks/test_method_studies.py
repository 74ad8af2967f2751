"""The studies of gradient methods run with each of them."""

import argparse
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

BENCHMARKS = pathlib.Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def studies(monkeypatch):
    """The modules of both studies."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    import methods
    import methods_quality

    return methods, methods_quality


def images_file(directory):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (40, 32, 32, 3), "uint8")
    # A brief search has half of the images, which must have all classes.
    np.savez(directory / "train_0.npz", x=images, y=np.arange(40) % 5)
    return images


def test_every_method_has_settings_in_both_studies(studies, tmp_path):
    methods, quality = studies
    images_file(tmp_path)
    names = methods.gradient_methods()
    assert {"darts", "gdas", "drnas", "pc_darts", "shapley_nas"} <= {*names}
    for name in names:
        for setting in methods.SETTINGS:
            config = methods.config_of(name, setting)
            assert (config.order, config.alpha_warmup_epochs) == (1, 0)
        for space in ("darts", "nas_bench_201"):
            given = argparse.Namespace(
                methods=[name],
                cifar10=tmp_path,
                images=20,
                seed=0,
                space=space,
                settings="{}",
            )
            config = quality.config_of(given, tmp_path / "run", 4, warmup=0)
            assert (config.strategy, config.epochs) == (name, 4)
            assert config.num_cells == 5


def test_collapsed_cells_count_0(studies, monkeypatch):
    import percentiles

    monkeypatch.setattr(percentiles, "RANDOM", 200)
    score, percentile, cells = percentiles.scorer("darts")
    drawn = [cells.sample(seed) for seed in range(200)]
    skips = np.array([each.num_skip_connections for each in drawn])
    scores = np.array([score(each) for each in drawn])
    assert ((scores == 0) == (skips >= 4)).all()
    assert (scores[skips < 4] > 0.9).all()
    assert percentile(0.0) == 0
    middle = np.median(scores)
    assert percentile(middle) == pytest.approx(50, abs=1)


@pytest.mark.slow
def test_a_tiny_study_and_no_run_twice(tmp_path):
    images_file(tmp_path)
    results = tmp_path / "results.jsonl"
    tiny = {
        "init_channels": 2,
        "num_cells": 3,
        "image_size": 8,
        "batch_size": 8,
        "primitives": "skip_connect,max_pool_3x3",
    }
    command = [
        *(sys.executable, BENCHMARKS / "methods_quality.py", "darts", "snas"),
        *(f"--cifar10={tmp_path}", f"--work_dir={tmp_path / 'work'}"),
        *(f"--results={results}", "--minutes=0.01", "--seeds=1"),
        *("--images=20", f"--settings={json.dumps(tiny)}"),
    ]
    first, second = (
        subprocess.run(command, check=True, capture_output=True, text=True)
        for _ in range(2)
    )
    assert "failed" not in first.stdout, first.stderr[-3000:]
    assert "2 of 2 runs are left" in first.stdout
    assert "left" not in second.stdout
    rows = [json.loads(line) for line in results.read_text().splitlines()]
    assert [row["method"] for row in rows] == ["darts", "snas"]
    for row in rows:
        assert len(row["by_epoch"]) == row["epochs"] >= 2
        assert all(0 <= e["percentile"] <= 100 for e in row["by_epoch"])
    # SNAS keeps all edges, which the surrogate does not know.
    assert [row["by_epoch"][0]["by_rule_of_darts"] for row in rows] == [
        *(False, True)
    ]
    assert second.stdout.count("| `") == 2
