"""Two processes on one machine compute as two devices of one process."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

from tfdarts.genotypes import Genotype

COMMANDS = """
import csv, importlib, json, os, signal, sys

# As in a terminal, also where these tests run behind a shell's &.
signal.signal(signal.SIGINT, signal.default_int_handler)
from tfdarts import cluster

cluster.SECONDS_BETWEEN_LOGS = 1
distribute, commands = sys.argv[1], json.loads(sys.argv[2])
if distribute == "mirrored":
    import tensorflow as tf

    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * 2,
    )
for name, *arguments in commands:
    command = importlib.import_module(f"tfdarts.cli.{name}_command")
    code = command.main([*arguments, f"--distribute={distribute}"])
    if code:
        sys.exit(code)
"""
SAY = """
# A worker other than the chief writes to copies of its own, which end with it.
from tfdarts.runs.workers import copy_of

follows = '"index": 1' in os.environ.get("TF_CONFIG", "")
written = {}
for run_dir in ("images", "texts", "second", "both/seed0", "both/seed1"):
    whole, *part = run_dir.split("/")
    own = "/".join([copy_of(whole) if follows else whole, *part])
    for stage in ("search", "train"):
        path = f"{own}/{stage}/metrics.csv"
        if os.path.exists(path):
            with open(path) as file:
                written[f"{run_dir} {stage}"] = [*csv.DictReader(file)]
    path = f"{own}/train/results.json"
    if os.path.exists(path):
        with open(path) as file:
            written[f"{run_dir} results"] = [json.load(file)]
print(json.dumps(written))
"""
SEARCH = [
    *("--dataset=digits", "--run_dir=images", "--preset=paper", "--seed=3"),
    *("--epochs=2", "--batch_size=256", "--init_channels=2", "--num_cells=3"),
    *("--num_nodes=1", "--order=1", "--cutout_length=2"),
    # Most of the time is the building of graphs.
    "--primitives=none,max_pool_3x3,skip_connect,dil_conv_3x3",
    "--class_weights=balanced",
]
IMAGES = [
    *(*SEARCH, "--micro_batches=2"),
    *("--train_epochs=2", "--train_batch_size=256", "--train_num_cells=3"),
    # 257 images: the first device has none of the last batch, and none of the
    # 360 of a test in batches of 359.
    *("--train_init_channels=2", "--train_validation_portion=0.1788"),
    *("--train_ema_momentum=0.5", "--train_drop_path_rate=0.3"),
    "--train_auxiliary_weight=0.4",
]
TEXTS = [
    *("--dataset=text:.", "--run_dir=texts", "--epochs=2", "--units=6"),
    *("--steps=7", "--batch_size=16", "--num_nodes=2", "--order=1"),
    *("--train_epochs=2", "--train_units=6", "--train_steps=7"),
    *("--train_batch_size=16", "--train_step_spread=1"),
    "--train_nonmonotone=1",
]
SECOND = [
    *(*SEARCH, "--run_dir=second", "--order=2", "--batch_norm=global"),
    *("--epochs=1", "--primitives=none,skip_connect,dil_conv_3x3"),
]
SHORT = [
    *("--dataset=digits", "--epochs=1", "--batch_size=256", "--num_cells=3"),
    *("--init_channels=2", "--auxiliary_weight=0", "--drop_path_rate=0"),
]
ALL = [
    ["search", *SECOND],
    [
        *("select", *SHORT, "--run_dirs=first.json,second.json"),
        *("--run_dir=chosen", "--validation_portion=0.2"),
    ],
    [
        *("train", *SHORT, "--run_dir=both", "--genotype=chosen/genotype.json"),
        *("--seeds=0,1", "--mixup=0.2", "--rand_augment=0.5"),
        "--batch_norm=global",
    ],
    ["pipeline", *IMAGES],
    ["evaluate", "--run_dir=images", "--batch_size=359"],
    ["pipeline", *TEXTS],
]
TIMES = {"seconds", "data_wait", "milliseconds_per_image", "images_per_second"}
TIMES |= {"words_per_second"}


def environments():
    """Returns those of two workers."""
    free = [socket.create_server(("localhost", 0)) for _ in range(2)]
    addresses = [f"localhost:{each.getsockname()[1]}" for each in free]
    for each in free:
        each.close()
    tasks = ({"type": "worker", "index": index} for index in range(2))
    return [
        {"TF_CONFIG": json.dumps({"cluster": {"worker": addresses}, **each})}
        for each in ({"task": task} for task in tasks)
    ]


@pytest.fixture(scope="module", autouse=True)
def none_is_left():
    """Kills what a test that failed has left running."""
    yield
    for process in Process.started:
        process.kill()
        process.wait()


class Process:
    """A process of commands; what it says is in files."""

    started = []

    def __init__(
        self, directory, commands, environment=None, then="", name="0"
    ):
        self.stdout, self.stderr = (
            directory / f"{stream}{name}.txt" for stream in ("out", "err")
        )
        distribute = "multiworker" if environment else "mirrored"
        with self.stdout.open("w") as out, self.stderr.open("w") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-c", COMMANDS + then]
                + [distribute, json.dumps(commands)],
                cwd=directory,
                env={**os.environ, **(environment or {})},
                stdout=out,
                stderr=err,
            )
        self.started.append(self.process)

    def says(self, text):
        return text in self.stderr.read_text()

    def until(self, condition, seconds=300):
        limit = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self.stderr.read_text()
            assert time.monotonic() < limit, self.stderr.read_text()
            time.sleep(0.05)

    def ended(self, seconds=300):
        """Returns the exit code and the last line of what was said."""
        code = self.process.wait(seconds)
        return code, (self.stderr.read_text().splitlines() or [""])[-1]


def two_workers(directory, commands, then=""):
    """Starts both."""
    return [
        Process(directory, commands, environment, then, str(index))
        for index, environment in enumerate(environments())
    ]


CANDIDATES = {
    "first": [("sep_conv_3x3", 0), ("avg_pool_3x3", 1)],
    "second": [("skip_connect", 0), ("sep_conv_5x5", 1)],
}


def write_candidates(directory):
    for name, cell in CANDIDATES.items():
        genotype = Genotype(
            normal=cell, normal_concat=[2], reduce=cell, reduce_concat=[2]
        )
        genotype.save(directory / f"{name}.json")


def write_text(directory):
    random = np.random.default_rng(0)
    for name, lines in (("train", 150), ("valid", 60), ("test", 20)):
        text = (" ".join(random.choice([*"abcdefg"], 9)) for _ in range(lines))
        (directory / f"{name}.txt").write_text("\n".join(text) + "\n")


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """All commands, done by two devices of one process and by two workers.

    Returns:
        Directory of the workers, and the three processes.
    """
    directories = []
    for name in ("mirrored", "workers"):
        directories.append(tmp_path_factory.mktemp(name))
        write_text(directories[-1])
        write_candidates(directories[-1])
    mirrored, workers = directories
    processes = [
        Process(mirrored, ALL, then=SAY),
        *two_workers(workers, ALL, SAY),
    ]
    for process in processes:
        code, _ = process.ended(1800)
        assert code == 0, process.stderr.read_text()
    return workers, processes


@pytest.mark.slow
def test_two_workers_are_two_devices(done):
    """To rounding, in search, training and test; the workers to the bit."""
    _, processes = done
    devices, first, second = (
        json.loads(process.stdout.read_text().splitlines()[-1])
        for process in processes
    )
    assert len(devices["images search"]) == len(devices["texts train"]) == 2
    for name, rows in devices.items():
        for row, *others in zip(rows, first[name], second[name], strict=True):
            for figure in {*row} - TIMES:
                one, two = (other[figure] for other in others)
                assert one == two, figure
                if row[figure] != one:
                    expected = pytest.approx(float(row[figure]), rel=1e-5)
                    assert float(one) == expected, (name, figure)


@pytest.mark.slow
def test_one_worker_writes_and_says_results(done):
    directory, (_, first, second) = done
    for stage in ("search", "train"):
        path = directory / "images" / stage
        (session,) = json.loads((path / "environment.json").read_text())
        assert session["replicas"] == 2
        lines = (path / "log.txt").read_text().splitlines()
        assert sum("epoch 2/2: " in line for line in lines) == 1
    assert (directory / "images" / "evaluation" / "report.json").exists()
    assert (directory / "images" / "cells").is_dir()
    assert [*directory.glob("texts/export/*/1/model_card.json")]
    assert "Test accuracy" in first.stdout.read_text()
    assert len(second.stdout.read_text().splitlines()) == 1
    assert second.says("worker 1: done; worker 0 has written all results")


def checkpoint(run_dir, stage, epoch):
    return run_dir / stage / "checkpoints" / f"ckpt-{epoch}"


def state(run_dir, stage):
    reader = tf.train.load_checkpoint(str(checkpoint(run_dir, stage, 2)))
    return {
        name: reader.get_tensor(name)
        for name in reader.get_variable_to_shape_map()
        if "OBJECT_GRAPH" not in name
    }


@pytest.mark.slow
def test_a_lost_worker_ends_the_other_and_both_go_on(done, tmp_path):
    """Bit for bit as if none had been lost.

    One is killed while the other builds its graph, one is asked to end in a
    search, as schedulers do, and one is killed in Keras' `fit`.
    """
    run_dir = tmp_path / "images"

    def has_epoch(stage):
        path = checkpoint(run_dir, stage, 1).with_suffix(".index")
        return lambda process: path.exists()

    for lost, by, when in (
        (1, signal.SIGKILL, lambda one: one.says("building the graph")),
        (0, signal.SIGTERM, has_epoch("search")),
        (0, signal.SIGKILL, has_epoch("train")),
    ):
        workers = two_workers(tmp_path, [["pipeline", *IMAGES]])
        gone, other = workers[lost], workers[1 - lost]
        other.until(lambda: when(other))
        gone.process.send_signal(by)
        code, line = other.ended(60)
        assert code == 6, other.stderr.read_text()
        assert "Another worker is gone, and this worker cannot continue" in line
        assert "same command on all workers" in line
        assert not other.says("Traceback")
        code, line = gone.ended()
        if by == signal.SIGTERM:
            assert code == 143 and "Interrupted. Everything up to" in line
    workers = two_workers(tmp_path, [["pipeline", *IMAGES]])
    assert [worker.ended()[0] for worker in workers] == [0, 0]
    assert workers[1].says("train: resuming after epoch 1")
    directory, _ = done
    for stage in ("search", "train"):
        for name, value in state(directory / "images", stage).items():
            found = state(run_dir, stage)[name]
            np.testing.assert_array_equal(found, value, name)


@pytest.mark.slow
def test_workers_that_do_not_agree_are_refused(tmp_path):
    """One with another seed, as a typing error would have it."""
    workers = [
        Process(
            *(tmp_path, [["search", *SEARCH, f"--seed={seed}"]], environment),
            name=str(seed),
        )
        for seed, environment in enumerate(environments())
    ]
    for worker in workers:
        code, line = worker.ended()
        assert code == 2, worker.stderr.read_text()
        assert "The workers do not agree on --seed. Start all " in line
    assert not (tmp_path / "images").exists()


@pytest.mark.slow
def test_a_worker_that_waits_can_be_ended(tmp_path):
    by = {signal.SIGINT: 130, signal.SIGTERM: 143}
    workers = [
        Process(
            *(tmp_path, [["search", *SEARCH]], environments()[number % 2]),
            name=str(number),
        )
        for number in by
    ]
    for worker, (number, code) in zip(workers, by.items()):
        worker.until(lambda: worker.says("still waiting for localhost:"))
        worker.process.send_signal(number)
        assert worker.ended(20)[0] == code
        assert worker.says("Interrupted.")
