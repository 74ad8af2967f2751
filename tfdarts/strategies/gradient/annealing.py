"""A value that changes linearly from the first epoch to the last."""

from collections.abc import Callable

import keras


class Anneal(keras.callbacks.Callback):
    """Sets a value at the beginning of each epoch, on a straight line.

    The value depends only on the number of the epoch, so that a resumed
    search continues with the same values.

    Args:
        assign: Function that takes the value, such as `variable.assign`.
        first: Float, the value in the first epoch.
        last: Float, the value in the last epoch.

    Example:

    >>> values = []
    >>> callback = Anneal(values.append, first=1.0, last=0.0)
    >>> callback.set_params({"epochs": 3})
    >>> for epoch in range(3):
    ...     callback.on_epoch_begin(epoch)
    >>> values
    [1.0, 0.5, 0.0]
    """

    def __init__(
        self, assign: Callable[[float], None], first: float, last: float
    ):
        super().__init__()
        self.assign = assign
        self.first = first
        self.last = last

    def on_epoch_begin(self, epoch, logs=None):
        share = epoch / max(self.params["epochs"] - 1, 1)
        self.assign(self.first + (self.last - self.first) * share)
