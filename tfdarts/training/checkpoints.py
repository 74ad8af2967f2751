"""The state of a training run, kept after each epoch."""

import logging
import os
import pathlib

import keras
import tensorflow as tf

from tfdarts.patterns import literal

logger = logging.getLogger("tfdarts")

NUM_KEPT = 2


class AnotherNetworkError(ValueError):
    """A checkpoint holds other variables than those it is to restore."""


class EpochCheckpoint(keras.callbacks.Callback):
    """Saves variables after each epoch and brings the newest ones back.

    The newest two are kept. TensorFlow's own manager of checkpoints is not
    used: it goes by a list in a file, and where that file is damaged it
    either fails or sees no checkpoint at all.

    Args:
        directory: Path.
        **variables: Lists of Keras variables, all that changes in training.
            They are listed one by one because TensorFlow's tracking does not
            see into Keras' lists of layers and would leave batch-norm
            statistics out without a word.

    Attributes:
        variables: List of all of them.
    """

    def __init__(self, directory, **variables):
        super().__init__()
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.variables = [v for listed in variables.values() for v in listed]
        self.epoch = tf.Variable(0, dtype=tf.int64)
        self.checkpoint = tf.train.Checkpoint(
            epoch=self.epoch,
            **{name: [v.value for v in vs] for name, vs in variables.items()},
        )

    def restore(self):
        """Restores the newest checkpoint that can be read.

        Returns:
            Integer, the epochs it has seen: `0` without any checkpoint.

        Raises:
            AnotherNetworkError: If they are of other variables.
            ValueError: If there are some and none can be read.
        """
        names = self._names()
        for name in names:
            try:
                self._restore(name)
                return int(self.epoch.numpy())
            except AnotherNetworkError:
                raise
            except Exception as error:  # TensorFlow has no one class for it.
                logger.warning(
                    "%s cannot be read (%s): trying the one before it.",
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
            OSError: If it could not be written; the one before is kept.
        """
        self.epoch.assign(epoch + 1)
        path = str(self.directory / f"ckpt-{epoch + 1}")
        try:
            self.checkpoint.write(path)
        except tf.errors.OpError as error:
            raise OSError(
                f"The state after epoch {epoch + 1} could not be written to "
                f"{self.directory}: {error.message}. The one before it is "
                f"kept: make room and give the same command again."
            ) from error
        for name in self._names()[NUM_KEPT:]:
            for file in self.directory.glob(f"{name}.*"):
                file.unlink()

    def _restore(self, name):
        try:
            with literal(self.directory) as directory:
                path = os.path.join(directory, name)
                self.checkpoint.read(path).assert_consumed()
        except (AssertionError, ValueError) as error:
            raise AnotherNetworkError(
                f"{self.directory / name} is a checkpoint of another network "
                f"or of another version of tfdarts. Give another --run_dir."
            ) from error

    def _names(self):
        """The checkpoints that are there, the newest first."""
        names = (file.stem for file in self.directory.glob("ckpt-*.index"))
        numbers = (name.removeprefix("ckpt-") for name in names)
        epochs = sorted(
            (int(n) for n in numbers if n.isdecimal()), reverse=True
        )
        return [f"ckpt-{epoch}" for epoch in epochs]
