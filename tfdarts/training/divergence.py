"""A callback that stops a run that has diverged."""

import math

import keras
import numpy as np

ADVICE = (
    ", so the run has diverged; the state after the last whole epoch, if any, "
    "is kept. Lower the learning rate and use a new run directory."
)


class DivergedError(ArithmeticError):
    """The loss or a weight is no longer finite."""


class StopOnNaN(keras.callbacks.Callback):
    """Raises `DivergedError` as soon as a loss is not finite.

    After each epoch the callback also checks the weights, because the last
    step may have spoilt them. Place the callback before callbacks that save.
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
