"""Learning rates that change with the epoch."""

import math

import keras


@keras.saving.register_keras_serializable(package="tfdarts")
class EpochCosine(keras.optimizers.schedules.LearningRateSchedule):
    """Cosine annealing that moves once an epoch, as the authors have it.

        rate(e) = minimum + (initial - minimum) (1 + cos(π e / epochs)) / 2

    Args:
        initial: Float, the rate of epoch 0.
        minimum: Float, the rate it falls to.
        epochs: Integer, the epochs it takes.
        steps_per_epoch: Integer.

    Example:

    >>> schedule = EpochCosine(0.025, 0.001, epochs=50, steps_per_epoch=10)
    >>> [round(float(schedule(step)), 6) for step in (0, 9, 250)]
    [0.025, 0.025, 0.013]

    Reference:

    - [Loshchilov and Hutter, 2017](https://arxiv.org/abs/1608.03983)
    """

    def __init__(self, initial, minimum, epochs, steps_per_epoch):
        self.initial = initial
        self.minimum = minimum
        self.epochs = epochs
        self.steps_per_epoch = steps_per_epoch

    def __call__(self, step):
        step = keras.ops.cast(step, "float32")
        epoch = keras.ops.floor(step / self.steps_per_epoch)
        cosine = keras.ops.cos(math.pi * epoch / self.epochs)
        return self.minimum + (self.initial - self.minimum) / 2 * (1 + cosine)

    def get_config(self):
        return {
            "initial": self.initial,
            "minimum": self.minimum,
            "epochs": self.epochs,
            "steps_per_epoch": self.steps_per_epoch,
        }


class LearningRate(keras.callbacks.Callback):
    """Adds `learning_rate`, that of an epoch's last step, to its logs.

    It stands before the callbacks that keep the logs.
    """

    def on_epoch_end(self, epoch, logs=None):
        optimizer = self.model.optimizer
        rate = optimizer._learning_rate
        if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
            # The schedule has gone on to the next step.
            rate = rate(optimizer.iterations - 1)
        logs["learning_rate"] = float(rate)


class LinearDropPath(keras.callbacks.Callback):
    """Lets the rate of drop path grow with the epoch, from zero.

        rate(e) = highest e / epochs

    Args:
        drop_path: `tfdarts.layers.drop_path.DropPath`.
        highest: Float, what the rate grows towards.
        epochs: Integer.

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section A.2.1
    """

    def __init__(self, drop_path, highest, epochs):
        super().__init__()
        self.drop_path = drop_path
        self.highest = highest
        self.epochs = epochs

    def on_epoch_begin(self, epoch, logs=None):
        self.drop_path.rate.assign(self.highest * epoch / self.epochs)
