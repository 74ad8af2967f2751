"""Stopping a run that has diverged."""

import math

import keras


class DivergedError(ArithmeticError):
    """The loss is not a number any more."""


class StopOnNaN(keras.callbacks.Callback):
    """Raises `DivergedError` as soon as the loss is not finite."""

    def on_train_batch_end(self, batch, logs=None):
        loss = float(logs["loss"])
        if not math.isfinite(loss):
            raise DivergedError(
                f"The loss became {loss} at step {batch + 1} of the epoch, so "
                f"the run has diverged; the state after the last whole epoch "
                f"is kept. Lower the learning rate and use a new run "
                f"directory."
            )
