"""Schedules of the learning rate and of drop path, by epoch."""

import math

import keras

from tfdarts.arguments import scalar


class _Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule that is computed in float64, by `exact(step)`."""

    def __call__(self, step):
        # Keras' optimizers multiply learning rates by tensors of this dtype.
        return keras.ops.cast(self.exact(step), keras.config.floatx())


def exact_rate(schedule, step):
    """Returns the learning rate of a step in float64.

    Args:
        schedule: Keras schedule.
        step: Scalar or tensor of integers, counted from 0.
    """
    is_own = isinstance(schedule, _Schedule)
    rate = schedule.exact(step) if is_own else schedule(step)
    return keras.ops.cast(rate, "float64")


class _EpochSchedule(_Schedule):
    """A learning rate that is a function of the epoch, `rate(epoch)`.

    Args:
        steps_per_epoch: Integer.

    Raises:
        ValueError: If a number of steps or epochs is not a positive integer.
    """

    def __init__(self, steps_per_epoch):
        self.steps_per_epoch = _count(steps_per_epoch, "steps_per_epoch")

    def epoch(self, step):
        """Returns the epoch of a step, float64, both counted from 0."""
        # Integer division: a float quotient may be rounded below the exact
        # integer, and differently in graphs than in eager mode.
        step = keras.ops.cast(step, "int64")
        return keras.ops.cast(step // self.steps_per_epoch, "float64")

    def exact(self, step):
        return self.rate(self.epoch(step))

    def get_config(self):
        return dict(vars(self))


@keras.saving.register_keras_serializable(package="tfdarts")
class EpochCosine(_EpochSchedule):
    """Cosine annealing with one step per epoch, as in the authors' code.

        rate(e) = minimum + (initial - minimum) (1 + cos(π e / epochs)) / 2

    Args:
        initial: Float, the learning rate of epoch 0.
        minimum: Float, the final learning rate.
        epochs: Integer, the number of epochs until `minimum`.
        steps_per_epoch: Integer.

    Example:

    >>> schedule = EpochCosine(0.025, 0.001, epochs=50, steps_per_epoch=10)
    >>> [round(float(schedule(step)), 6) for step in (0, 9, 250)]
    [0.025, 0.025, 0.013]

    Reference:

    - [Loshchilov and Hutter, 2017](https://arxiv.org/abs/1608.03983)
    """

    def __init__(self, initial, minimum, epochs, steps_per_epoch):
        super().__init__(steps_per_epoch)
        self.initial = initial
        self.minimum = minimum
        self.epochs = _count(epochs, "epochs")

    def rate(self, epoch):
        cosine = keras.ops.cos(math.pi * epoch / self.epochs)
        return self.minimum + (self.initial - self.minimum) / 2 * (1 + cosine)


@keras.saving.register_keras_serializable(package="tfdarts")
class EpochCosineRestarts(EpochCosine):
    """Cosine annealing that begins again, each time for twice as long.

    Each of the periods is an `EpochCosine`. The last one ends with the last
    epoch: of 150 epochs, four periods have 10, 20, 40 and 80.

    Args:
        initial, minimum, epochs, steps_per_epoch: See `EpochCosine`.
        periods: Integer, the number of periods. Defaults to `4`.

    Example:

    >>> schedule = EpochCosineRestarts(0.05, 0.0, epochs=150, steps_per_epoch=1)
    >>> [round(float(schedule(step)), 6) for step in (0, 5, 10, 20, 30, 50)]
    [0.05, 0.025, 0.05, 0.025, 0.05, 0.025]

    Reference:

    - [Loshchilov and Hutter, 2017](https://arxiv.org/abs/1608.03983), section
      3
    - [Pham et al., 2018](https://arxiv.org/abs/1802.03268), section 3.2
    """

    def __init__(self, initial, minimum, epochs, steps_per_epoch, periods=4):
        super().__init__(initial, minimum, epochs, steps_per_epoch)
        self.periods = _count(periods, "periods")

    def rate(self, epoch):
        # Multiplied first: the starts of periods are exact if integers.
        parts = 2**self.periods - 1
        begun = [2**n - 1 for n in range(self.periods)]
        start = keras.ops.zeros_like(epoch)
        for each in begun:
            is_later = keras.ops.cast(
                epoch * parts >= each * self.epochs, "float64"
            )
            start = keras.ops.maximum(start, is_later * each)
        # The period after 2^n - 1 parts has 2^n of them.
        position = (epoch * parts / self.epochs - start) / (start + 1)
        cosine = keras.ops.cos(math.pi * position)
        return self.minimum + (self.initial - self.minimum) / 2 * (1 + cosine)


@keras.saving.register_keras_serializable(package="tfdarts")
class EpochExponential(_EpochSchedule):
    """Exponential decay with one step per epoch.

        rate(e) = initial × decay_rate ^ e

    Args:
        initial: Float, the learning rate of epoch 0.
        decay_rate: Float, the factor of each epoch.
        steps_per_epoch: Integer.

    Example:

    >>> schedule = EpochExponential(0.1, 0.97, steps_per_epoch=10)
    >>> [round(float(schedule(step)), 6) for step in (0, 9, 10, 20)]
    [0.1, 0.1, 0.097, 0.09409]

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section A.2.3
    """

    def __init__(self, initial, decay_rate, steps_per_epoch):
        super().__init__(steps_per_epoch)
        self.initial = initial
        self.decay_rate = decay_rate

    def rate(self, epoch):
        decay_rate = keras.ops.convert_to_tensor(self.decay_rate, "float64")
        return self.initial * keras.ops.power(decay_rate, epoch)


@keras.saving.register_keras_serializable(package="tfdarts")
class EpochSteps(_EpochSchedule):
    """Divides the learning rate by 10 after 1/2 and after 3/4 of the epochs.

    Args:
        initial: Float, the learning rate of epoch 0.
        epochs: Integer, the epochs of the training.
        steps_per_epoch: Integer.

    Example:

    >>> schedule = EpochSteps(0.1, epochs=300, steps_per_epoch=1)
    >>> [round(float(schedule(step)), 6) for step in (149, 150, 224, 225)]
    [0.1, 0.01, 0.01, 0.001]

    Reference:

    - [Huang et al., 2017](https://arxiv.org/abs/1608.06993), section 4.2
    """

    def __init__(self, initial, epochs, steps_per_epoch):
        super().__init__(steps_per_epoch)
        self.initial = initial
        self.epochs = _count(epochs, "epochs")

    def rate(self, epoch):
        is_half = keras.ops.cast(2 * epoch >= self.epochs, "float64")
        is_most = keras.ops.cast(4 * epoch >= 3 * self.epochs, "float64")
        return self.initial * (1 - 0.9 * is_half - 0.09 * is_most)


@keras.saving.register_keras_serializable(package="tfdarts")
class WarmUp(_Schedule):
    """Linear warm-up from zero to another schedule.

        rate(s) = schedule(s) min(1, (s + 1) / steps)

    Args:
        schedule: Keras schedule.
        steps: Integer, the number of warm-up steps.

    Example:

    >>> schedule = WarmUp(EpochCosine(0.4, 0.0, 10, steps_per_epoch=8), 4)
    >>> [round(float(schedule(step)), 6) for step in (0, 1, 3, 7)]
    [0.1, 0.2, 0.4, 0.4]

    Reference:

    - [Goyal et al., 2017](https://arxiv.org/abs/1706.02677)
    """

    def __init__(self, schedule, steps):
        self.schedule = schedule
        self.steps = _count(steps, "steps")

    def exact(self, step):
        done = (keras.ops.cast(step, "float64") + 1) / self.steps
        return exact_rate(self.schedule, step) * keras.ops.minimum(done, 1.0)

    def get_config(self):
        schedule = keras.optimizers.schedules.serialize(self.schedule)
        return {"schedule": schedule, "steps": self.steps}

    @classmethod
    def from_config(cls, config):
        schedule = keras.optimizers.schedules.deserialize(config["schedule"])
        return cls(schedule, config["steps"])


def _count(value, name):
    count = scalar(value)
    if type(count) is not int or count < 1:
        raise ValueError(
            f"`{name}` must be a positive integer. Received: {value!r}."
        )
    return count


class LearningRate(keras.callbacks.Callback):
    """Adds the learning rate of an epoch's last step to the logs.

    Place this callback before callbacks that record the logs.
    """

    def on_epoch_end(self, epoch, logs=None):
        optimizer = self.model.optimizer
        rate = optimizer._learning_rate
        if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
            # `iterations` already counts the last step.
            rate = exact_rate(rate, optimizer.iterations - 1)
        logs["learning_rate"] = float(keras.ops.convert_to_numpy(rate))


class LinearDropPath(keras.callbacks.Callback):
    """Increases the rate of drop path linearly with the epoch, from zero.

        rate(e) = highest e / epochs

    Args:
        drop_path: `tfdarts.layers.drop_path.DropPath`.
        highest: Float, the limit of the rate at `epochs`.
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
