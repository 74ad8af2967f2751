"""Callbacks for training on the segments of a text."""

import keras
import numpy as np


class ResetStates(keras.callbacks.Callback):
    """Resets the states of a model at the start of each epoch.

    The model carries state from batch to batch, as `tfdarts.WithCarriedState`
    does, and has a method `reset_states()`. Evaluation starts with fresh
    states anyway.
    """

    def on_epoch_begin(self, epoch, logs=None):
        self.model.reset_states()


class SegmentRate(keras.callbacks.Callback):
    """Scales the learning rate by the length of a segment.

        learning rate = rate × length / steps

    A word then counts as much in a short segment as in a long one. At the end
    of an epoch the learning rate returns to `rate`.

    Args:
        rate: Float, the learning rate of a segment of `steps` words.
        steps: Integer, the usual length of a segment, words.
        lengths: Function from an epoch to the lengths of its segments.

    Reference:

    - [Merity et al., 2018](https://arxiv.org/abs/1708.02182), section 4.1
    """

    def __init__(self, rate, steps, lengths):
        super().__init__()
        self.rate = rate
        self.steps = steps
        self.lengths = lengths

    def on_epoch_begin(self, epoch, logs=None):
        self.lengths_now = self.lengths(epoch)

    def on_train_batch_begin(self, batch, logs=None):
        scale = self.lengths_now[batch] / self.steps
        self.model.optimizer.learning_rate = self.rate * scale

    def on_epoch_end(self, epoch, logs=None):
        self.model.optimizer.learning_rate = self.rate


def perplexity(loss):
    """Returns exp of a loss in nats per word, or infinity on overflow.

    Example:

    >>> perplexity(0.0), perplexity(1e3)
    (1.0, inf)
    """
    with np.errstate(over="ignore"):
        return float(np.exp(np.float64(loss)))


class Perplexity(keras.callbacks.Callback):
    """Adds perplexities to the logs: exp of a loss in nats per word.

    Place this callback before callbacks that record the logs.

    Args:
        losses: Sequence of the names of logs, which end with `loss`. The
            names of the added logs end with `perplexity` instead.
    """

    def __init__(self, losses):
        super().__init__()
        self.losses = losses

    def on_epoch_end(self, epoch, logs=None):
        for name in self.losses:
            logs[name.replace("loss", "perplexity")] = perplexity(logs[name])
