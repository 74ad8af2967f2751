"""A run that is killed again and again is the run that was not."""

import csv
import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

from tfdarts.genotypes import Genotype

NUM_KILLS = {"images": 20, "texts": 8}
EPOCHS_A_KILL = 3
"""A killed run gets through two or three epochs at most."""
TINY = ["--init_channels=2", "--num_cells=3", "--batch_size=256"]
# At this rate the validation loss stalls, so that weights are averaged.
TINY_TEXT = [
    *("--dataset=text:novel.txt", "--units=6", "--steps=7", "--batch_size=8"),
    *("--learning_rate=30", "--input_dropout=0.1", "--output_dropout=0.1"),
]
COMMANDS = {
    ("images", "search"): [
        *TINY,
        "--num_nodes=1",
        "--learning_rate=0.1",
        "--alpha_learning_rate=0.1",
    ],
    ("images", "train"): [
        *TINY,
        "--genotype=DARTS_V2",
        "--learning_rate=0.1",
    ],
    ("texts", "search"): [
        *TINY_TEXT,
        # At a higher rate the rounding of a processor decides on NaN.
        "--learning_rate=3",
        "--order=2",
        "--num_nodes=2",
        "--alpha_learning_rate=0.1",
    ],
    ("texts", "train"): [
        *TINY_TEXT,
        "--genotype=DARTS_V2",
        "--word_dropout=0.1",
        "--step_spread=1",
        "--nonmonotone=1",
    ],
}
RUN = """
import importlib, sys

name, *arguments = sys.argv[1:]
module = importlib.import_module(f"tfdarts.cli.{name}")
sys.exit(module.main(arguments))
"""


def started(command, run_dir):
    return subprocess.Popen(
        [sys.executable, "-c", RUN, *command, f"--run_dir={run_dir}"],
        cwd=run_dir.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def newest_epoch(run_dir):
    """The epoch of the newest checkpoint that is written to its end."""
    checkpoints = run_dir.rglob("ckpt-*.index")
    return max(
        (int(path.stem[len("ckpt-") :]) for path in checkpoints), default=0
    )


def finished(command, run_dir):
    """Runs to the end; returns the seconds to the first epoch and to it."""
    begun = time.monotonic()
    first = None
    with started(command, run_dir) as process:
        while process.poll() is None:
            if first is None and newest_epoch(run_dir):
                first = time.monotonic() - begun
            time.sleep(0.02)
    assert process.returncode == 0
    return first, time.monotonic() - begun


def half_written(run_dir):
    """The files of checkpoints that are not there to their end."""
    return {
        (path, path.stat().st_mtime_ns)
        for path in run_dir.rglob("ckpt-*")
        if path.suffix != ".index" and "temp" in path.name
    }


def killed_after(command, run_dir, seconds, epochs, writing):
    """Kills some time after some epochs, or in the next writing from then."""
    begin = newest_epoch(run_dir)
    left_over = half_written(run_dir)
    with started(command, run_dir) as process:
        while newest_epoch(run_dir) < begin + epochs:
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(seconds)
        while writing and half_written(run_dir) <= left_over:
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


def all_is_readable(run_dir):
    for path in run_dir.rglob("*.json"):
        content = json.loads(path.read_text())
        if path.parent.name == "genotypes":
            Genotype.from_json(json.dumps(content))
    for path in run_dir.rglob("*.npz"):
        with np.load(path) as file:
            assert all(np.isfinite(file[name]).all() for name in file)
    for path in run_dir.rglob("*.csv"):
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        epochs = [int(row["epoch"]) for row in rows]
        assert epochs == list(range(1, len(rows) + 1))


def write_novel(directory):
    """Writes a text of some hundred lines."""
    random = np.random.default_rng(0)
    lines = (" ".join(random.choice([*"aaabbcde"], 5)) for _ in range(200))
    (directory / "novel.txt").write_text("\n".join(lines))


def state(run_dir, stage, epochs):
    """All that a run leaves that is not a time."""
    directory = run_dir / stage
    newest = directory / "checkpoints" / f"ckpt-{epochs}"
    reader = tf.train.load_checkpoint(str(newest))
    weights = {
        name: reader.get_tensor(name).tobytes()
        for name in reader.get_variable_to_shape_map()
        if name != "_CHECKPOINTABLE_OBJECT_GRAPH"
    }
    files = [*directory.rglob("epoch_*.json")]
    with (directory / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row.pop("data_wait", None)
    if stage == "search":
        files.append(run_dir / "genotype.json")
        with np.load(directory / "alphas.npz") as alphas:
            weights |= {name: alphas[name].tobytes() for name in alphas}
    return (
        weights
        | {"metrics": rows}
        | {str(path.relative_to(run_dir)): path.read_bytes() for path in files}
    )


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "stage"), COMMANDS)
def test_killed_at_random_moments_it_ends_as_if_it_had_not_been(
    kind, stage, tmp_path
):
    """Bit for bit: weights, alphas, genotypes and metrics."""
    write_novel(tmp_path)
    epochs = EPOCHS_A_KILL * NUM_KILLS[kind]
    command = [stage, *COMMANDS[kind, stage], f"--epochs={epochs}"]
    to_first, to_last = finished(command, tmp_path / "whole")
    an_epoch = (to_last - to_first) / (epochs - 1)
    random = np.random.default_rng(0)
    for attempt in range(NUM_KILLS[kind]):
        later = attempt // 2 % 2
        seconds = random.uniform(0, an_epoch if later else 0.5 * to_first)
        writing = attempt % 2 == 1
        run_dir = tmp_path / "killed"
        killed_after(command, run_dir, seconds, later, writing)
        all_is_readable(run_dir)
    finished(command, tmp_path / "killed")
    expected = state(tmp_path / "whole", stage, epochs)
    result = state(tmp_path / "killed", stage, epochs)
    assert result.keys() == expected.keys()
    assert [name for name in expected if result[name] != expected[name]] == []
