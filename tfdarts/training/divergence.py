"""Stopping a run that has diverged."""

import math

import keras


class DivergedError(ArithmeticError):
    """The loss is not a number any more."""


class StopOnNaN(keras.callbacks.Callback):
    """Raises `DivergedError` as soon as a loss is not finite."""

    def on_train_batch_end(self, batch, logs=None):
        for name, value in logs.items():
            if not math.isfinite(float(value)):
                raise DivergedError(
                    f"The {name} became {float(value)} at step {batch + 1} of "
                    f"the epoch, so the run has diverged; the state after the "
                    f"last whole epoch is kept. Lower the learning rate and "
                    f"use a new run directory."
                )
