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


def epoch_exponential(initial, decay_rate, steps_per_epoch):
    """Returns a Keras schedule of initial × decay_rate ^ epoch.

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section A.2.3
    """
    return keras.optimizers.schedules.ExponentialDecay(
        initial, steps_per_epoch, decay_rate, staircase=True
    )


def epoch_steps(initial, epochs, steps_per_epoch):
    """Returns a Keras schedule of a tenth from half of the epochs on.

    From three quarters of them on it is a hundredth.

    Reference:

    - [Huang et al., 2017](https://arxiv.org/abs/1608.06993), section 4.2
    """
    # A boundary is the last step of the rate before it.
    boundaries = [
        math.ceil(epochs * share) * steps_per_epoch - 1 for share in (0.5, 0.75)
    ]
    return keras.optimizers.schedules.PiecewiseConstantDecay(
        boundaries, [initial, initial / 10, initial / 100]
    )


@keras.saving.register_keras_serializable(package="tfdarts")
class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """Another schedule, reached step by step from zero.

        rate(s) = schedule(s) min(1, (s + 1) / steps)

    Args:
        schedule: Keras schedule.
        steps: Integer, the steps it takes.

    Example:

    >>> schedule = WarmUp(EpochCosine(0.4, 0.0, 10, steps_per_epoch=8), 4)
    >>> [round(float(schedule(step)), 6) for step in (0, 1, 3, 7)]
    [0.1, 0.2, 0.4, 0.4]

    Reference:

    - [Goyal et al., 2017](https://arxiv.org/abs/1706.02677)
    """

    def __init__(self, schedule, steps):
        self.schedule = schedule
        self.steps = steps

    def __call__(self, step):
        done = (keras.ops.cast(step, "float32") + 1) / self.steps
        return self.schedule(step) * keras.ops.minimum(done, 1.0)

    def get_config(self):
        schedule = keras.optimizers.schedules.serialize(self.schedule)
        return {"schedule": schedule, "steps": self.steps}

    @classmethod
    def from_config(cls, config):
        schedule = keras.optimizers.schedules.deserialize(config["schedule"])
        return cls(schedule, config["steps"])


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
