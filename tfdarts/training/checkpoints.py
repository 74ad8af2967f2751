"""Checkpoints of the state of a training run, one per epoch."""

import logging
import os
import pathlib

import keras
import tensorflow as tf

from tfdarts.patterns import literal_path

logger = logging.getLogger("tfdarts")


class AnotherNetworkError(ValueError):
    """A checkpoint does not match the variables to restore."""


class EpochCheckpoint(keras.callbacks.Callback):
    """Saves variables after each epoch and restores the newest checkpoint.

    The directory keeps the newest checkpoints. The callback does not use
    `tf.train.CheckpointManager`: if the manager's list of checkpoints, a
    file, is damaged, the manager fails or finds no checkpoint.

    Args:
        directory: Path.
        kept: Integer, how many checkpoints to keep. Defaults to `2`.
        **variables: Lists of Keras variables, all that change in training.
            The lists are explicit because TensorFlow does not track Keras'
            lists of layers and would silently omit batch-norm statistics.

    Attributes:
        variables: List of all saved variables.
    """

    def __init__(self, directory, kept=2, **variables):
        super().__init__()
        self.kept = kept
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.variables = [v for listed in variables.values() for v in listed]
        self.epoch = tf.Variable(0, dtype=tf.int64)
        self.checkpoint = tf.train.Checkpoint(
            epoch=self.epoch,
            **{name: [v.value for v in vs] for name, vs in variables.items()},
        )

    def restore(self):
        """Restores the newest readable checkpoint.

        Returns:
            Integer, the epochs of the checkpoint; `0` without a checkpoint.

        Raises:
            AnotherNetworkError: If the checkpoint has other variables.
            ValueError: If checkpoints exist and none can be read.
        """
        names = _names(self.directory)
        for name in names:
            try:
                self._restore(name)
                return int(self.epoch.numpy())
            except AnotherNetworkError:
                raise
            except Exception as error:  # TensorFlow raises many classes.
                logger.warning(
                    "%s cannot be read (%s): trying the checkpoint before it.",
                    self.directory / name,
                    type(error).__name__,
                )
        if names:
            raise ValueError(
                f"None of the checkpoints in {self.directory} can be read. "
                f"Nothing was changed there: to start over, give another "
                f"--run_dir or remove the directory."
            )
        return 0

    def on_epoch_end(self, epoch, logs=None):
        """Saves the state after an epoch.

        Raises:
            OSError: If the checkpoint could not be written. The previous
                checkpoint is kept.
        """
        self.epoch.assign(epoch + 1)
        path = str(self.directory / f"ckpt-{epoch + 1}")
        try:
            self.checkpoint.write(path)
        except tf.errors.OpError as error:
            raise OSError(
                f"The state after epoch {epoch + 1} could not be written to "
                f"{self.directory}: {error.message}. The previous state is "
                "kept: free some space and re-run the same command to resume."
            ) from error
        self._remove(_names(self.directory)[self.kept :])

    def roll_back(self, epoch, change):
        """Restores an earlier checkpoint, changes it, and drops later ones.

        A run that is killed in between resumes after this epoch, too.

        Args:
            epoch: Integer, the epochs of the checkpoint.
            change: Function without arguments that changes variables.
        """
        later = [e for e in _epochs(self.directory) if e > epoch]
        self._remove([f"ckpt-{each}" for each in later])
        self._restore(f"ckpt-{epoch}")
        change()
        self.on_epoch_end(epoch - 1)

    def _remove(self, names):
        for name in names:
            for file in self.directory.glob(f"{name}.*"):
                file.unlink()

    def _restore(self, name):
        try:
            with literal_path(self.directory) as directory:
                path = os.path.join(directory, name)
                self.checkpoint.read(path).assert_consumed()
        except (AssertionError, ValueError) as error:
            raise AnotherNetworkError(
                f"{self.directory / name} is a checkpoint of another network "
                f"or of another version of tfdarts. Give another --run_dir."
            ) from error


def newest_epoch(directory):
    """Returns the epoch of the newest checkpoint; `0` without a checkpoint.

    Args:
        directory: Path of the checkpoints.
    """
    return next(iter(_epochs(directory)), 0)


def _names(directory):
    """Returns the names of all checkpoints, the newest first."""
    return [f"ckpt-{epoch}" for epoch in _epochs(directory)]


def _epochs(directory):
    names = (file.stem for file in pathlib.Path(directory).glob("ckpt-*.index"))
    numbers = (name.removeprefix("ckpt-") for name in names)
    return sorted((int(n) for n in numbers if n.isdecimal()), reverse=True)
