"""A callback that ends a training when its time is up."""

import time

import keras


class TimeLimit(keras.callbacks.Callback):
    """Ends a training after the step in which its time is up.

    The end may come within an epoch. Keras then validates and calls
    `on_epoch_end` as usual. The limit includes this work: the training ends
    as much earlier as the end of the epoch before took. Place this callback
    before all others.

    Args:
        seconds: Float, the time of the whole run; `0` for no limit.
        spent: Function without arguments that returns the seconds that the
            run has taken so far.

    Attributes:
        kept_back: Float, seconds of the limit that are for work after the
            training. Defaults to `0`.
        has_ended: Boolean, whether the limit has ended the training before
            its last step.
        is_cut: Boolean, whether the last epoch lacks steps or other work, so
            that a resumed run must repeat the epoch.
    """

    def __init__(self, seconds, spent):
        super().__init__()
        self.seconds = seconds
        self.spent = spent
        self.kept_back = 0.0
        self.has_ended = self.is_cut = False
        self._end_of_epoch = 0.0
        self._last_step = None

    @property
    def left(self):
        """The seconds until the limit, `inf` without a limit."""
        return self.seconds - self.spent() if self.seconds else float("inf")

    @property
    def is_up(self):
        """Whether a training must end now."""
        return self.left <= self.kept_back + self._end_of_epoch

    def end(self, cut=False):
        """Notes that the limit has ended the run.

        Args:
            cut: Boolean, see the attribute `is_cut`. Defaults to `False`.
        """
        self.has_ended = True
        self.is_cut = self.is_cut or cut

    def on_train_begin(self, logs=None):
        # A search of several stages has one limit and several trainings.
        self._last_step = None

    def on_epoch_begin(self, epoch, logs=None):
        if self._last_step is not None:
            self._end_of_epoch = time.monotonic() - self._last_step

    def on_train_batch_end(self, batch, logs=None):
        self._last_step = time.monotonic()
        if batch + 1 < self.params["steps"] and self.is_up:
            self.end(cut=True)
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 < self.params["epochs"] and self.is_up:
            self.end()
            self.model.stop_training = True


class WholeEpochs(keras.callbacks.CallbackList):
    """Calls callbacks at the end of an epoch unless a limit has cut it.

    Args:
        callbacks: List of Keras callbacks, such as one that saves the state
            to resume from.
        limit: `TimeLimit`.
    """

    def __init__(self, callbacks, limit):
        super().__init__(callbacks)
        self.limit = limit

    def on_epoch_end(self, epoch, logs=None):
        if not self.limit.is_cut:
            super().on_epoch_end(epoch, logs)
