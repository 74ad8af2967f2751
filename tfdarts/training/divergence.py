"""Stopping a run that has diverged."""

import math

import keras
import numpy as np

ADVICE = (
    ", so the run has diverged; the state after the last whole epoch, if any, "
    "is kept. Lower the learning rate and use a new run directory."
)


class DivergedError(ArithmeticError):
    """The loss is not a number any more."""


class StopOnNaN(keras.callbacks.Callback):
    """Raises `DivergedError` as soon as a loss is not finite.

    After an epoch it looks at what was trained too, for the last step may
    have spoilt it; it stands before the callbacks that save.
    """

    def on_train_batch_end(self, batch, logs=None):
        for name, value in logs.items():
            if not math.isfinite(float(value)):
                raise DivergedError(
                    f"The {name.replace('_', ' ')} became {float(value)} at "
                    f"step {batch + 1} of the epoch{ADVICE}"
                )

    def on_epoch_end(self, epoch, logs=None):
        for variable in self.model.trainable_variables:
            if not np.isfinite(variable.numpy()).all():
                raise DivergedError(
                    f"{variable.path} is not finite after the last step of "
                    f"epoch {epoch + 1}{ADVICE}"
                )
