"""A training ends when its time is up."""

import keras
import numpy as np
import pytest

from tfdarts.training.time_limit import TimeLimit
from tfdarts.training.time_limit import WholeEpochs

EPOCHS, STEPS = 3, 4


class Clock(keras.callbacks.Callback):
    """A step takes 10 seconds, a validation 5, and all else no time."""

    def __init__(self):
        super().__init__()
        self.now, self.ends = 0.0, []

    def on_train_batch_begin(self, batch, logs=None):
        self.now += 10

    def on_test_begin(self, logs=None):
        self.now += 5

    def on_epoch_end(self, epoch, logs=None):
        self.ends.append((epoch, self.now))


class Saved(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.epochs = []

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(epoch)


@pytest.fixture
def fit(monkeypatch):
    clock, saved = Clock(), Saved()
    monkeypatch.setattr(
        "tfdarts.training.time_limit.time.monotonic", lambda: clock.now
    )

    def fit(seconds, kept_back=0.0):
        limit = TimeLimit(seconds, lambda: clock.now)
        limit.kept_back = kept_back
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse", run_eagerly=True)
        data = np.ones((STEPS, 1)), np.ones((STEPS, 1))
        model.fit(
            *data,
            batch_size=1,
            epochs=EPOCHS,
            steps_per_epoch=STEPS,
            validation_data=data,
            callbacks=[clock, limit, WholeEpochs([saved], limit)],
            verbose=0,
        )
        return limit, clock.ends, saved.epochs

    return fit


def test_no_limit_is_no_limit(fit):
    limit, ends, saved = fit(0)
    assert (limit.has_ended, limit.is_cut, limit.left) == (False, False, np.inf)
    assert ends == [(0, 45), (1, 90), (2, 135)]
    assert saved == [0, 1, 2]


@pytest.mark.parametrize(
    ("seconds", "ends", "saved"),
    [
        # How long a validation takes is not known in the first epoch.
        (15, [(0, 25)], []),
        (30, [(0, 35)], []),
        # After an epoch, the limit includes the validation.
        (70, [(0, 45), (1, 70)], [0]),
        (72, [(0, 45), (1, 80)], [0]),
        (134, [(0, 45), (1, 90), (2, 135)], [0, 1, 2]),
        # The time is up between two epochs.
        (45, [(0, 45)], [0]),
    ],
)
def test_it_ends_after_the_step_that_uses_up_the_time(
    fit, seconds, ends, saved
):
    limit, *found = fit(seconds)
    assert found == [ends, saved]
    assert limit.has_ended == (len(ends) < 3)
    assert limit.is_cut == (len(saved) < len(ends))


def test_time_is_kept_back(fit):
    limit, ends, _ = fit(100, kept_back=75)
    assert ends == [(0, 35)]
    assert limit.left == 65


def test_a_second_training_has_the_same_limit():
    limit = TimeLimit(10, lambda: 4.0)
    assert not limit.is_up and not limit.has_ended
    limit.end()
    limit.on_train_begin()
    assert limit.has_ended and not limit.is_cut
    limit.end(cut=True)
    limit.end()
    assert limit.is_cut
