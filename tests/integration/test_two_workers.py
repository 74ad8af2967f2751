"""Two processes on one machine compute as two devices of one process."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import tensorflow as tf

RUN = """
import csv, json, os, sys

import tensorflow as tf

kind, distribute = sys.argv[1:]
if distribute == "mirrored":
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * 2,
    )
import tfdarts
from tfdarts.runs.configs import SearchConfig, TrainConfig
from tfdarts.runs.rnn_configs import RNNSearchConfig, RNNTrainConfig
from tfdarts.runs.workers import copy_of

common = dict(run_dir="run", distribute=distribute, epochs=2)
if kind == "images":
    common |= dict(init_channels=2, num_cells=3, batch_size=256)
    common |= dict(preset="paper")
    search = SearchConfig(num_nodes=1, cutout_length=2, **common)
    train = TrainConfig(validation_portion=0.2, ema_momentum=0.5, **common)
else:
    common |= dict(dataset="text:.", units=6, steps=7, batch_size=16)
    search = RNNSearchConfig(num_nodes=2, **common)
    train = RNNTrainConfig(step_spread=1.0, nonmonotone=1, **common)
tfdarts.search(search)
results = tfdarts.train(train)
tested = tfdarts.evaluate("run", batch_size=101, distribute=distribute)
follows = '"index": 1' in os.environ.get("TF_CONFIG", "")
own = copy_of("run") if follows else "run"
said = {"results": results, "tested": tested}
for stage in ("search", "train"):
    with open(f"{own}/{stage}/metrics.csv") as file:
        said[stage] = [
            {k: v for k, v in row.items() if k != "data_wait"}
            for row in csv.DictReader(file)
        ]
print(json.dumps(said))
"""
COMMAND = """
import importlib, sys

name, *arguments = sys.argv[1:]
sys.exit(importlib.import_module(f"tfdarts.cli.{name}").main(arguments))
"""
IMPATIENT = """
import signal

from tfdarts import cluster

cluster.SECONDS_BETWEEN_WORDS = 1
# As in a terminal, also where these tests run behind a shell's &.
signal.signal(signal.SIGINT, signal.default_int_handler)
"""
TIMES = ("seconds", "milliseconds_per_image", "images_per_second")
TIMES += ("words_per_second",)


def clusters():
    """The environments of two workers."""
    sockets = [socket.socket() for _ in range(2)]
    for each in sockets:
        each.bind(("localhost", 0))
    addresses = [f"localhost:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    for index in range(2):
        config = {
            "cluster": {"worker": addresses},
            "task": {"type": "worker", "index": index},
        }
        yield {**os.environ, "TF_CONFIG": json.dumps(config)}


def started(directory, code, *arguments):
    """Starts both workers."""
    return [
        subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            cwd=directory,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for environment in clusters()
    ]


def write_text(directory):
    random = np.random.default_rng(0)
    for name, lines in (("train", 400), ("valid", 100), ("test", 20)):
        text = (" ".join(random.choice([*"abcdefg"], 9)) for _ in range(lines))
        (directory / f"{name}.txt").write_text("\n".join(text) + "\n")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["images", "texts"])
def test_two_workers_are_two_devices(tmp_path, kind):
    """To the last bit, in search, training and test."""
    for name in ("mirrored", "workers"):
        (tmp_path / name).mkdir()
        write_text(tmp_path / name)
    done = subprocess.run(
        [sys.executable, "-c", RUN, kind, "mirrored"],
        cwd=tmp_path / "mirrored",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    processes = started(tmp_path / "workers", RUN, kind, "multiworker")
    outputs = [process.communicate() for process in processes]
    for process, (_, stderr) in zip(processes, outputs):
        assert process.returncode == 0, stderr
    one, *others = (
        json.loads(text) for text in (done.stdout, *(o for o, _ in outputs))
    )
    for other in others:
        for stage in ("search", "train"):
            assert other[stage] == one[stage] and len(one[stage]) == 2
        for name in ("results", "tested"):
            for figure, value in one[name].items():
                if figure not in TIMES:
                    assert other[name][figure] == value, figure
    run_dir = tmp_path / "workers" / "run"
    for stage in ("search", "train"):
        (session,) = json.loads(
            (run_dir / stage / "environment.json").read_text()
        )
        assert session["replicas"] == 2
        lines = (run_dir / stage / "log.txt").read_text().splitlines()
        assert sum("epoch 2/2: " in line for line in lines) == 1
    assert (run_dir / "evaluation" / "report.json").exists()
    assert (run_dir / "cells").is_dir()


FOUR = """
import sys

import tensorflow as tf

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * 2,
)
from tfdarts.cli import search

sys.exit(search.main(sys.argv[1:]))
"""
ONE_EPOCH = [
    *("--init_channels=2", "--num_cells=3", "--num_nodes=1", "--epochs=1"),
    "--batch_size=256",
    # Larger rates of alpha make more of what is rounded differently.
    "--preset=paper",
]


@pytest.mark.slow
def test_two_workers_of_two_devices_each_are_one(tmp_path):
    subprocess.run(
        [sys.executable, "-c", COMMAND, "search", *ONE_EPOCH, "--run_dir=one"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    finish(
        started(
            *(tmp_path, FOUR, *ONE_EPOCH),
            *("--distribute=auto", "--run_dir=four"),
        )
    )
    (session,) = json.loads(
        (tmp_path / "four" / "search" / "environment.json").read_text()
    )
    assert session["replicas"] == 4
    rows = []
    for name in ("one", "four"):
        with (tmp_path / name / "search" / "metrics.csv").open() as file:
            rows += csv.DictReader(file)
    one, four = rows
    for name in (
        "loss",
        "alpha_loss",
        "validation_supernet_loss",
        "alpha_entropy",
    ):
        assert float(four[name]) == pytest.approx(float(one[name]), rel=1e-5)


SEARCH = [
    *("search", "--distribute=multiworker", "--run_dir=run", "--seed=3"),
    *("--init_channels=2", "--num_cells=3", "--num_nodes=1", "--epochs=8"),
    *("--batch_size=128", "--learning_rate=0.1", "--alpha_learning_rate=0.1"),
]


def epoch_of(run_dir):
    checkpoints = (run_dir / "search" / "checkpoints").glob("ckpt-*.index")
    return max((int(path.stem[5:]) for path in checkpoints), default=0)


def finish(processes):
    """Waits for both workers; returns what they said on stderr."""
    said = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    return said


def state(run_dir):
    reader = tf.train.load_checkpoint(
        str(run_dir / "search" / "checkpoints" / "ckpt-8")
    )
    return {
        name: reader.get_tensor(name)
        for name in reader.get_variable_to_shape_map()
        if "OBJECT_GRAPH" not in name
    }


@pytest.mark.slow
def test_a_killed_worker_ends_the_other_and_both_go_on(tmp_path):
    """First the one that follows is killed, then the one that writes.

    The last is asked to end, as schedulers do.
    """
    (tmp_path / "whole").mkdir()
    (tmp_path / "killed").mkdir()
    said = finish(started(tmp_path / "whole", COMMAND, *SEARCH))
    assert '"space": "cnn"' in said[0][0]
    assert said[1][0] == ""
    run_dir = tmp_path / "killed" / "run"
    for killed, epoch, by in (
        (1, 1, signal.SIGKILL),
        (0, 3, signal.SIGKILL),
        (1, 5, signal.SIGTERM),
    ):
        processes = started(tmp_path / "killed", COMMAND, *SEARCH)
        while epoch_of(run_dir) < epoch:
            time.sleep(0.05)
            assert all(process.poll() is None for process in processes)
        processes[killed].send_signal(by)
        begun = time.monotonic()
        _, stderr = processes[1 - killed].communicate(timeout=60)
        assert time.monotonic() - begun < 60
        assert processes[1 - killed].returncode == 6, stderr
        assert "Another worker is gone" in stderr.splitlines()[-1]
        assert "same command to all workers again" in stderr.splitlines()[-1]
        assert "Traceback" not in stderr
        _, stderr = processes[killed].communicate()
        if by == signal.SIGTERM:
            assert processes[killed].returncode == 143
            assert "Interrupted. What was finished" in stderr.splitlines()[-1]
    said = finish(started(tmp_path / "killed", COMMAND, *SEARCH))
    assert "going on after epoch" in said[0][1]
    for name, value in state(tmp_path / "whole" / "run").items():
        np.testing.assert_array_equal(state(run_dir)[name], value, name)
    alphas = (
        np.load(path / "search" / "alphas.npz")
        for path in (tmp_path / "whole" / "run", run_dir)
    )
    expected, found = alphas
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name])


@pytest.mark.slow
def test_workers_that_do_not_agree_are_refused(tmp_path):
    """One with another seed, as a typing error would have it."""
    processes = []
    for environment, seed in zip(clusters(), (0, 1)):
        processes.append(
            subprocess.Popen(
                [sys.executable, "-c", COMMAND, *SEARCH, f"--seed={seed}"],
                cwd=tmp_path,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    for process in processes:
        _, stderr = process.communicate(timeout=300)
        assert process.returncode == 2, stderr
        last = stderr.splitlines()[-1]
        assert "The workers do not agree on --seed. Start all of" in last
    assert epoch_of(tmp_path / "run") == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("by", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_a_worker_that_waits_can_be_ended(tmp_path, by, code):
    environment, _ = clusters()
    process = subprocess.Popen(
        [sys.executable, "-c", IMPATIENT + COMMAND, *SEARCH],
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    # Or what is never said would be waited for.
    limit = threading.Timer(60, process.kill)
    limit.start()
    try:
        assert "waiting for the others" in process.stderr.readline()
        assert "still waiting for localhost:" in process.stderr.readline()
        assert process.poll() is None
        process.send_signal(by)
        _, stderr = process.communicate(timeout=20)
        assert process.returncode == code
        assert "Interrupted." in stderr
    finally:
        limit.cancel()
        process.kill()
