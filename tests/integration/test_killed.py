"""A run that is killed again and again is the run that was not."""

import csv
import json
import signal
import struct
import time

import forked
import numpy as np
import pytest
import sklearn.datasets
import tensorflow as tf

from tfdarts.genotypes import Genotype

NUM_KILLS = {"images": 20, "texts": 8}
"""Kills before the last epoch; one more comes after it."""
EPOCHS_A_KILL = 4
"""A run is killed before its third new epoch; one more may slip through."""
# Most of the time is the building of graphs: the smallest cells will do.
TINY = [
    *("--dataset=idx:.", "--init_channels=2", "--num_cells=3"),
    *("--batch_size=16", "--learning_rate=0.1"),
]
GENOTYPE = Genotype(
    normal=(("max_pool_3x3", 0), ("dil_conv_3x3", 1)),
    reduce=(("dil_conv_3x3", 1), ("skip_connect", 0)),
    normal_concat=(2,),
    reduce_concat=(2,),
)
# At this rate the validation loss stalls, so that weights are averaged.
TINY_TEXT = [
    *("--dataset=text:novel.txt", "--units=6", "--steps=7", "--batch_size=8"),
    *("--learning_rate=30", "--input_dropout=0.1", "--output_dropout=0.1"),
]
COMMANDS = {
    ("images", "search"): [
        *TINY,
        "--num_nodes=1",
        "--primitives=none,skip_connect,dil_conv_3x3",
        "--alpha_learning_rate=0.1",
    ],
    ("images", "train"): [*TINY, "--genotype=genotype.json"],
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


def start(context, command, run_dir):
    command = [*command, f"--run_dir={run_dir}"]
    return forked.start(context, command, run_dir.parent)


def newest_epoch(checkpoints):
    """The epoch of the newest checkpoint that is written to its end."""
    names = [path.stem for path in checkpoints.glob("ckpt-*.index")]
    return max((int(name[len("ckpt-") :]) for name in names), default=0)


def finished(command, run_dir, epochs):
    """Runs to the end; returns the seconds of its three parts.

    These are the seconds to the first epoch, from there to the last, and from
    there to the end.
    """
    checkpoints = run_dir / command[0] / "checkpoints"
    times = [time.monotonic()]
    # A seed of hashes of its own shows what depends on the order of a set.
    process = start(forked.FRESH, command, run_dir)
    for epoch in (1, epochs):
        while newest_epoch(checkpoints) < epoch and process.is_alive():
            time.sleep(0.02)
        times.append(time.monotonic())
    process.join()
    assert process.exitcode == 0
    times.append(time.monotonic())
    return np.diff(times)


def half_written(checkpoints):
    """The files of checkpoints that are not there to their end."""
    files = set()
    for path in checkpoints.glob("ckpt-*"):
        if path.suffix != ".index" and "temp" in path.name:
            try:
                files.add((path, path.stat().st_mtime_ns))
            except FileNotFoundError:
                files.add((path, "just renamed"))
    return files


def killed_after(command, run_dir, seconds, epoch, writing):
    """Kills some time after an epoch, or in the next writing from then.

    The third new epoch is waited for no longer: on a machine that has become
    faster, a run would come to its end.
    """
    checkpoints = run_dir / command[0] / "checkpoints"
    left_over = half_written(checkpoints)
    last = max(epoch, newest_epoch(checkpoints) + 2)
    process = start(forked.FORKED, command, run_dir)
    while newest_epoch(checkpoints) < epoch:
        assert process.is_alive()
        time.sleep(0.01)
    end = time.monotonic() + seconds
    while time.monotonic() < end and newest_epoch(checkpoints) <= last:
        time.sleep(0.005)
    while (
        writing
        and half_written(checkpoints) <= left_over
        and newest_epoch(checkpoints) <= last
    ):
        assert process.is_alive()
        time.sleep(0.0002)
    process.kill()
    process.join()
    return process.exitcode


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


def write_digits(directory):
    """Writes a few digits of scikit-learn as the data set `idx:.`."""
    source = sklearn.datasets.load_digits()
    for split, some in (("train", slice(96)), ("t10k", slice(96, 112))):
        pixels = source.images[some] * (255 / 16)
        for name, values in (
            (f"{split}-images-idx3-ubyte", pixels),
            (f"{split}-labels-idx1-ubyte", source.target[some]),
        ):
            (directory / name).write_bytes(
                struct.pack(
                    f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape
                )
                + values.astype("uint8").tobytes()
            )


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
    write_digits(tmp_path)
    GENOTYPE.save(tmp_path / "genotype.json")
    epochs = EPOCHS_A_KILL * NUM_KILLS[kind]
    command = [stage, *COMMANDS[kind, stage], f"--epochs={epochs}"]
    to_first, to_last, to_end = finished(command, tmp_path / "whole", epochs)
    an_epoch = to_last / (epochs - 1)
    random = np.random.default_rng(0)
    run_dir = tmp_path / "killed"
    for attempt in range(NUM_KILLS[kind]):
        later = attempt // 2 % 2
        seconds = random.uniform(0, an_epoch if later else 0.5 * to_first)
        epoch = newest_epoch(run_dir / stage / "checkpoints") + 2 * later
        writing = attempt % 2 == 1
        code = killed_after(command, run_dir, seconds, epoch, writing)
        assert code == -signal.SIGKILL
        all_is_readable(run_dir)
    seconds = random.uniform(0, 0.5 * to_end)
    code = killed_after(command, run_dir, seconds, epochs, writing=False)
    # On a machine that has become faster, all is written already.
    assert code in (-signal.SIGKILL, 0)
    all_is_readable(run_dir)
    finished(command, run_dir, epochs)
    expected = state(tmp_path / "whole", stage, epochs)
    result = state(run_dir, stage, epochs)
    assert result.keys() == expected.keys()
    assert [name for name in expected if result[name] != expected[name]] == []
