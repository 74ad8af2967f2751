"""The rate of dropout on skip connections by epoch."""

import math

import keras

from tfdarts.layers.nested import nested_layers
from tfdarts.layers.skip_dropout import SkipDropout

DECAY = 0.2
"""The exponential decay of the rate in an epoch after the warm-up."""


class FadingDropout(keras.callbacks.Callback):
    """Lowers the rate of dropout on skip connections epoch by epoch.

    During the warm-up of alpha the rate falls linearly towards 0 at the last
    epoch. After it, the rate starts again and falls exponentially.

    Args:
        search: Search of a supernet of `SkipDropoutMixedOp`s.
        rate: Float, the rate in the first epoch.
        warmup_epochs: Integer, epochs before alpha moves.

    Reference:

    - [Chen et al., 2019](https://arxiv.org/abs/1904.12760), section 3.3, and
      their code
    """

    def __init__(self, search: keras.Model, rate: float, warmup_epochs: int):
        super().__init__()
        self.rate = rate
        self.warmup_epochs = warmup_epochs
        self.layers = [
            each
            for each in nested_layers(search.supernet)
            if isinstance(each, SkipDropout)
        ]

    def on_epoch_begin(self, epoch, logs=None):
        epochs, after = self.params["epochs"], epoch - self.warmup_epochs
        share = math.exp(-DECAY * after)
        if after < 0:
            share = (epochs - epoch - 1) / epochs
        for layer in self.layers:
            layer.rate.assign(self.rate * share)
