"""NT-ASGD: averages SGD's weights once the validation loss has stalled."""

import logging

import keras
import tensorflow as tf

logger = logging.getLogger("tfdarts")


def has_stalled(losses, nonmonotone):
    """Returns whether the newest loss is above the lowest older loss.

    Older losses are all but the newest and the `nonmonotone` losses before the
    newest.

    Args:
        losses: Sequence of floats, the validation losses of all epochs.
        nonmonotone: Integer, the patience in epochs.

    Example:

    >>> has_stalled([3.0, 2.0, 2.2], 1), has_stalled([3.0, 2.0, 2.2, 2.1], 1)
    (False, True)

    Reference:

    - [Merity et al., 2018](https://arxiv.org/abs/1708.02182), algorithm 1
    """
    *before, newest = losses
    long_before = before[: max(len(before) - nonmonotone, 0)]
    return bool(long_before) and newest > min(long_before)


class AveragedWeights(keras.callbacks.Callback):
    """Averages the weights of all steps once the validation loss has stalled.

    From then on validation uses the average. When training ends, the network
    gets the weights, averaged or not, of the epoch with the lowest validation
    loss.

    The callback adds `averaged_steps` to the logs: the number of steps in the
    average that was validated, 0 without averaging. Place the callback before
    callbacks that record the logs and before the one that saves `variables`.

    Args:
        weights: List of Keras variables, the trained weights.
        nonmonotone: Integer, see `has_stalled`; `0` never averages.
        past_losses: Function that returns a list of the validation losses of
            all earlier epochs.

    Attributes:
        variables: List of all variables that must be saved to resume.

    Reference:

    - [Merity et al., 2018](https://arxiv.org/abs/1708.02182), section 3
    - [Polyak and Juditsky, 1992](https://doi.org/10.1137/0330046)
    """

    def __init__(self, weights, nonmonotone, past_losses):
        super().__init__()
        self.weights = weights
        self.nonmonotone = nonmonotone
        self.past_losses = past_losses
        self.average = [_copy_variable(weight) for weight in weights]
        self.best = [_copy_variable(weight) for weight in weights]
        # 0 before averaging begins, then 1 + the number of averaged steps.
        self.count = keras.Variable(0, dtype="int64", trainable=False)
        self.variables = [*self.average, *self.best, self.count]
        self._add = tf.function(self._add_step)

    @property
    def active(self):
        """Whether averaging has begun."""
        return int(self.count.numpy()) > 0

    def on_train_begin(self, logs=None):
        self._is_active = self.active

    def on_train_batch_end(self, batch, logs=None):
        if self._is_active:
            self._add()

    def on_test_begin(self, logs=None):
        if self._is_active:
            self._swap()

    def on_test_end(self, logs=None):
        if self._is_active:
            self._swap()

    def on_epoch_end(self, epoch, logs=None):
        losses = [*self.past_losses(), float(logs["val_loss"])]
        logs["averaged_steps"] = max(int(self.count.numpy()) - 1, 0)
        if losses[-1] == min(losses):
            _assign(
                self.best, self.average if self._is_active else self.weights
            )
        if self.nonmonotone and not self._is_active:
            if has_stalled(losses, self.nonmonotone):
                self.count.assign(1)
                self._is_active = True
                logger.info(
                    "train: the validation loss has stalled: weights are "
                    "averaged from epoch %d on",
                    epoch + 2,
                )

    def on_train_end(self, logs=None):
        _assign(self.weights, self.best)

    def _add_step(self):
        """Adds the current weights to the running mean."""
        for average, weight in zip(self.average, self.weights):
            share = tf.cast(self.count.value, average.dtype)
            average.assign_add((weight - average) / share)
        self.count.assign_add(1)

    def _swap(self):
        for average, weight in zip(self.average, self.weights):
            kept = tf.identity(weight.value)
            weight.assign(average)
            average.assign(kept)


def _copy_variable(weight):
    value = keras.ops.convert_to_numpy(weight.value)
    return keras.Variable(value, trainable=False, dtype=weight.dtype)


def _assign(variables, values):
    for variable, value in zip(variables, values):
        variable.assign(value)
