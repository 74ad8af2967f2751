"""Progress of a run: log lines, status and metrics files."""

import csv
import io
import logging
import pathlib
import time

import keras

from tfdarts.duration import format_duration
from tfdarts.files import write_atomically
from tfdarts.records.json_files import report_damage
from tfdarts.records.metrics import CURVES
from tfdarts.records.metrics import metric_name
from tfdarts.records.metrics import read_rows

logger = logging.getLogger("tfdarts")


class Progress(keras.callbacks.Callback):
    """Logs a line per epoch, and the progress within long epochs.

    The log records within an epoch have the attributes `transient=True`, so
    that a terminal can show them as a progress bar, and `progress`, the
    finished share of the whole run.

    Args:
        stage: `Stage` whose status file is kept up to date.
        epochs: Integer, epochs of the whole run.
        steps_per_epoch: Integer.
        names: Sequence of strings, the logs that the line of an epoch shows,
            in this order and with spaces for underscores.
        limit: `TimeLimit`, which may cut an epoch.
    """

    def __init__(self, stage, epochs, steps_per_epoch, names, limit):
        super().__init__()
        self.stage = stage
        self.limit = limit
        self.epochs = epochs
        self.steps_per_epoch = steps_per_epoch
        self.names = names
        self.steps_done = 0
        self.epoch = 0
        self.step = 0

    def on_train_begin(self, logs=None):
        logger.info(
            "%s: building the graph, which takes a while", self.stage.name
        )

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        self.step = 0
        self._report_step()

    def on_train_batch_end(self, batch, logs=None):
        if not self.steps_done:
            # The first step builds the graph, so it is not timed.
            self.started = time.monotonic()
        self.steps_done += 1
        self.step = batch + 1
        self._report_step()

    def on_test_batch_end(self, batch, logs=None):
        self._report("validation")

    def on_epoch_end(self, epoch, logs=None):
        values = [
            f"{name.replace('_', ' ')} {logs[name]:.4g}"
            for name in self.names
            if name in logs
        ]
        left = self._time_left()
        self.stage.report(
            "running",
            epoch=epoch + (not self.limit.is_cut),
            epochs=self.epochs,
            seconds=self.stage.seconds,
            time_left=left,
        )
        where = f"epoch {epoch + 1}/{self.epochs}"
        if self.step < self.steps_per_epoch:
            where += f", ended after step {self.step}/{self.steps_per_epoch}"
        logger.info(
            "%s: %s: %s, %s left",
            *(self.stage.name, where, ", ".join(values), left),
        )

    def _report_step(self):
        self._report(f"step {self.step}/{self.steps_per_epoch}")

    def _report(self, where):
        done = self.epoch * self.steps_per_epoch + self.step
        logger.info(
            "%s: epoch %d/%d, %s, %s left",
            self.stage.name,
            self.epoch + 1,
            self.epochs,
            where,
            self._time_left(),
            extra={
                "transient": True,
                "progress": done / (self.epochs * self.steps_per_epoch),
            },
        )

    def _time_left(self):
        if self.steps_done < 2:
            return "?"
        seconds = time.monotonic() - self.started
        left = (self.epochs - self.epoch) * self.steps_per_epoch - self.step
        return format_duration(seconds / (self.steps_done - 1) * left)


class DataWait(keras.callbacks.Callback):
    """Adds `data_wait` to the logs: the share of time spent waiting for data.

    The model must count `seconds_waited` for its batches.
    """

    def on_train_begin(self, logs=None):
        self.waited = self.took = 0.0
        self.first = True

    def on_epoch_begin(self, epoch, logs=None):
        self._begin()

    def on_train_batch_end(self, batch, logs=None):
        if self.first:
            # The first step builds the graph, so it is not timed.
            self._begin()
        self.first = False
        self.ended = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        waited = self.model.seconds_waited - self.waited_before
        took = self.ended - self.begun
        logs["data_wait"] = waited / took if took else 0.0
        self.waited += waited
        self.took += took

    def on_train_end(self, logs=None):
        if self.took:
            logger.info(
                "search: %.1f %% of the time was spent waiting for data",
                100 * self.waited / self.took,
            )

    def _begin(self):
        self.waited_before = self.model.seconds_waited
        self.begun = self.ended = time.monotonic()


def tensorboard_callbacks(config, stage, metrics):
    """Returns the callbacks for `--tensorboard`: one or none.

    Args:
        config: `tfdarts.tasks.shared_settings.RunConfig`.
        stage: `Stage`.
        metrics: `MetricsFile`, which precedes these callbacks.
    """
    if not config.tensorboard:
        return []
    # Imported here because it needs matplotlib.
    from tfdarts.records.tensorboard import TensorBoard

    directory = stage.path / "tensorboard"
    return [TensorBoard(directory, metrics, CURVES[stage.name])]


class MetricsFile(keras.callbacks.Callback):
    """Writes the logs of each epoch to a CSV file, one row per epoch.

    The logs themselves are renamed like the columns, for the callbacks after
    this one; see `tfdarts.records.metrics.metric_name`.

    Args:
        path: Path of the file.
        first_epoch: Integer, the epoch to resume at; rows of this epoch and
            of later ones, from before an interruption, are dropped.
        stage: String, `"search"` or `"train"`.
    """

    def __init__(self, path, first_epoch, stage="train"):
        super().__init__()
        self.path = pathlib.Path(path)
        self.stage = stage
        self.resume_from(first_epoch)

    def resume_from(self, first_epoch):
        """Reads the rows of the epochs before `first_epoch`."""
        self.rows = []
        if first_epoch:
            with report_damage(self.path):
                self.rows = self._read(first_epoch)

    def _read(self, count):
        rows = read_rows(self.path, self.stage)[:count]
        if [int(row["epoch"]) for row in rows] != [*range(1, count + 1)]:
            raise ValueError("its epochs are not consecutive.")
        return rows

    def on_epoch_end(self, epoch, logs=None):
        values = {metric_name(k, self.stage): v for k, v in logs.items()}
        logs.clear()
        logs.update(values)
        values = {name: float(value) for name, value in values.items()}
        self.rows.append({"epoch": epoch + 1, **values})
        text = io.StringIO(newline="")
        # Epochs of alpha's warm-up lack columns of the others.
        names = [name for row in self.rows for name in row]
        writer = csv.DictWriter(
            text, [*dict.fromkeys([*self.rows[-1], *names])]
        )
        writer.writeheader()
        writer.writerows(self.rows)
        write_atomically(self.path, text.getvalue())
