import csv
import logging
import os
import types

import pytest

from tfdarts.duration import format_duration
from tfdarts.records import progress
from tfdarts.records.progress import DataWait
from tfdarts.records.progress import MetricsFile
from tfdarts.records.progress import Progress
from tfdarts.training.time_limit import TimeLimit

UNLIMITED = TimeLimit(0, float)
NAMES = ("loss", "validation_accuracy")


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0:00"),
        (0.9, "0:00"),
        (9, "0:09"),
        (59.99, "0:59"),
        (60, "1:00"),
        (3599, "59:59"),
        (3600, "1:00:00"),
        (3661, "1:01:01"),
        (100 * 3600, "100:00:00"),
    ],
)
def test_durations(seconds, shown):
    assert format_duration(seconds) == shown


# DataWait


def test_data_wait_is_the_share_of_the_steps(clock, caplog):
    """Neither the step that builds the graph nor validation is in it."""
    callback = DataWait()
    callback.set_model(types.SimpleNamespace(seconds_waited=5.0))
    callback.on_train_begin()

    def step(waited, took):
        callback.model.seconds_waited += waited
        clock.now += took
        callback.on_train_batch_end(0)

    logs = []
    with caplog.at_level(logging.INFO, "tfdarts"):
        for steps in ([(3.0, 50.0), (1.0, 10.0)], [(0.0, 10.0)]):
            logs.append({})
            callback.on_epoch_begin(0)
            for each in steps:
                step(*each)
            clock.now += 100.0  # of validation
            callback.on_epoch_end(0, logs[-1])
        callback.on_train_end()
    assert logs == [{"data_wait": 0.1}, {"data_wait": 0.0}]
    assert "5.0 % of the time was spent waiting for data" in caplog.text


# Progress


@pytest.fixture
def clock(monkeypatch):
    clock = types.SimpleNamespace(now=1000.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr(progress, "time", clock)
    return clock


class Stage:
    name = "search"

    def __init__(self, **status):
        self.reports = []
        self.status = lambda: status
        self.begun = progress.time.monotonic()

    @property
    def seconds(self):
        before = self.status().get("seconds", 0.0)
        return before + progress.time.monotonic() - self.begun

    def report(self, state, **details):
        self.reports.append((state, details))


@pytest.fixture
def run(clock, caplog):
    """Runs epochs of fake steps; gives the lines, and the transient ones.

    Transient ones come with the share of the run that is done.
    """
    logger = logging.getLogger("tfdarts")
    propagated, logger.propagate = logger.propagate, True
    caplog.set_level(logging.INFO, logger="tfdarts")

    def run(callback, epochs, seconds, first=60.0, logs=None, tests=0):
        caplog.clear()
        callback.on_train_begin()
        for epoch in epochs:
            callback.on_epoch_begin(epoch)
            for step in range(callback.steps_per_epoch):
                clock.now += first if not callback.steps_done else seconds
                callback.on_train_batch_end(step)
            for batch in range(tests):
                callback.on_test_batch_end(batch)
            callback.on_epoch_end(epoch, logs or {"loss": 0.5})
        lines, transient = [], []
        for record in caplog.records:
            if getattr(record, "transient", False):
                transient.append((record.getMessage(), record.progress))
            else:
                lines.append(record.getMessage())
        return lines, transient

    yield run
    logger.propagate = propagated


def test_a_line_an_epoch_with_the_time_left(run):
    callback = Progress(
        Stage(), epochs=3, steps_per_epoch=4, names=NAMES, limit=UNLIMITED
    )
    lines, _ = run(callback, range(3), seconds=10)
    assert lines == [
        "search: building the graph, which takes a while",
        "search: epoch 1/3: loss 0.5, 1:20 left",
        "search: epoch 2/3: loss 0.5, 0:40 left",
        "search: epoch 3/3: loss 0.5, 0:00 left",
    ]


def test_a_transient_line_a_step(run):
    callback = Progress(
        Stage(), epochs=2, steps_per_epoch=2, names=NAMES, limit=UNLIMITED
    )
    _, transient = run(callback, range(2), seconds=10)
    assert transient == [
        ("search: epoch 1/2, step 0/2, ? left", 0.0),
        ("search: epoch 1/2, step 1/2, ? left", 0.25),
        ("search: epoch 1/2, step 2/2, 0:20 left", 0.5),
        ("search: epoch 2/2, step 0/2, 0:20 left", 0.5),
        ("search: epoch 2/2, step 1/2, 0:10 left", 0.75),
        ("search: epoch 2/2, step 2/2, 0:00 left", 1.0),
    ]


def test_validation_is_no_silence(run):
    callback = Progress(
        Stage(), epochs=2, steps_per_epoch=2, names=NAMES, limit=UNLIMITED
    )
    _, transient = run(callback, range(1), seconds=10, tests=3)
    assert (
        transient[3:] == [("search: epoch 1/2, validation, 0:20 left", 0.5)] * 3
    )


@pytest.mark.parametrize("first", [0.0, 60.0, 3600.0])
def test_the_first_step_does_not_count(run, first):
    callback = Progress(
        Stage(), epochs=10, steps_per_epoch=3, names=NAMES, limit=UNLIMITED
    )
    lines, _ = run(callback, range(1), seconds=1, first=first)
    assert lines[1:] == ["search: epoch 1/10: loss 0.5, 0:27 left"]


def test_a_run_that_goes_on_counts_only_what_it_does_itself(run):
    callback = Progress(
        Stage(), epochs=5, steps_per_epoch=3, names=NAMES, limit=UNLIMITED
    )
    lines, transient = run(callback, range(3, 5), seconds=10)
    assert lines[1] == "search: epoch 4/5: loss 0.5, 0:30 left"
    assert transient[2] == ("search: epoch 4/5, step 2/3, 0:40 left", 11 / 15)


def test_nothing_is_known_after_one_step(run):
    callback = Progress(
        Stage(), epochs=2, steps_per_epoch=1, names=NAMES, limit=UNLIMITED
    )
    lines, _ = run(callback, range(1), seconds=10)
    assert lines[1:] == ["search: epoch 1/2: loss 0.5, ? left"]


def test_logs_are_called_by_their_names_in_their_order(run):
    callback = Progress(
        Stage(), epochs=1, steps_per_epoch=2, names=NAMES, limit=UNLIMITED
    )
    logs = {"validation_accuracy": 0.123456, "loss": 12345.6, "other": 1.0}
    lines, _ = run(callback, range(1), seconds=1, logs=logs)
    assert lines[1:] == [
        "search: epoch 1/1: loss 1.235e+04, validation accuracy 0.1235, "
        "0:00 left"
    ]


def test_the_status_follows(run):
    """With the seconds of all sessions."""
    stage = Stage(seconds=500.0)
    callback = Progress(
        stage, epochs=3, steps_per_epoch=4, names=NAMES, limit=UNLIMITED
    )
    run(callback, range(2), seconds=10)
    assert stage.reports == [
        (
            "running",
            {"epoch": 1, "epochs": 3, "seconds": 590.0, "time_left": "1:20"},
        ),
        (
            "running",
            {"epoch": 2, "epochs": 3, "seconds": 630.0, "time_left": "0:40"},
        ),
    ]


# Metrics


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def written(path, epochs, first_epoch=0, loss=0.5):
    metrics = MetricsFile(path, first_epoch)
    for epoch in epochs:
        metrics.on_epoch_end(epoch, {"loss": loss, "accuracy": epoch / 10})
    return metrics


def test_a_row_an_epoch(tmp_path):
    written(tmp_path / "metrics.csv", range(2))
    assert (tmp_path / "metrics.csv").read_text().splitlines() == [
        "epoch,loss,accuracy",
        "1,0.5,0.0",
        "2,0.5,0.1",
    ]


def test_columns_are_called_as_in_the_log_by_all_behind_it(tmp_path):
    """Files of tfdarts 0.1.0 have Keras' names, and are read all the same."""
    path = tmp_path / "metrics.csv"
    path.write_text("epoch,loss,val_loss,val_accuracy\n1,0.5,0.75,0.25\n")
    logs = {"loss": 0.4, "val_loss": 0.5, "val_accuracy": 0.125}
    MetricsFile(path, first_epoch=1).on_epoch_end(1, logs)
    assert logs == {
        "loss": 0.4,
        "validation_loss": 0.5,
        "validation_accuracy": 0.125,
    }
    assert path.read_text().splitlines() == [
        "epoch,loss,validation_loss,validation_accuracy",
        "1,0.5,0.75,0.25",
        "2,0.4,0.5,0.125",
    ]


def test_the_file_is_there_after_every_epoch(tmp_path):
    path = tmp_path / "metrics.csv"
    metrics = MetricsFile(path, 0)
    assert not path.exists()
    for epoch in range(3):
        metrics.on_epoch_end(epoch, {"loss": 0.1})
        assert len(rows(path)) == epoch + 1


def test_numbers_of_any_kind_are_kept_exactly(tmp_path):
    path = tmp_path / "metrics.csv"
    loss = 0.1 + 0.2
    MetricsFile(path, 0).on_epoch_end(0, {"loss": loss, "skips": 3})
    (row,) = rows(path)
    assert float(row["loss"]) == loss
    assert float(row["skips"]) == 3


def test_a_run_that_goes_on_drops_later_rows(tmp_path):
    path = tmp_path / "metrics.csv"
    written(path, range(5), loss=0.5)
    written(path, range(3, 5), first_epoch=3, loss=0.25)
    assert [row["epoch"] for row in rows(path)] == ["1", "2", "3", "4", "5"]
    assert [row["loss"] for row in rows(path)] == ["0.5"] * 3 + ["0.25"] * 2


def test_it_comes_out_as_if_it_had_not_been_interrupted(tmp_path):
    whole, halves = tmp_path / "whole.csv", tmp_path / "halves.csv"
    written(whole, range(4))
    written(halves, range(3))
    written(halves, range(2, 4), first_epoch=2)
    assert halves.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b"\xff\xfe"),
        lambda path: path.write_text(""),
        lambda path: path.write_text("loss\n1\n2\n3\n"),
        lambda path: path.write_text("epoch,loss\n1,1\n3,1\n4,1\n"),
        lambda path: path.write_text("epoch,loss\n1,1\n"),
        lambda path: path.write_text("epoch,loss\nx,1\n"),
    ],
)
def test_a_damaged_file_is_named_and_stays(damage, tmp_path):
    path = tmp_path / "metrics.csv"
    written(path, range(3))
    damage(path)
    before = path.exists() and path.read_bytes()
    with pytest.raises(ValueError, match="metrics.csv is damaged.*Restore an"):
        MetricsFile(path, first_epoch=3)
    assert (path.exists() and path.read_bytes()) == before


def test_a_run_that_starts_over_drops_all_rows(tmp_path):
    path = tmp_path / "metrics.csv"
    written(path, range(5))
    written(path, range(1), first_epoch=0, loss=0.25)
    assert [row["loss"] for row in rows(path)] == ["0.25"]


def test_a_failing_write_leaves_the_rows_of_before(tmp_path, monkeypatch):
    path = tmp_path / "metrics.csv"
    metrics = written(path, range(2))
    before = path.read_bytes()

    def failing(*arguments):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(OSError, match="No space"):
        metrics.on_epoch_end(2, {"loss": 0.1, "accuracy": 0.2})
    assert path.read_bytes() == before
