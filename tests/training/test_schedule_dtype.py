"""Schedules return Keras' float type, and lose no digits on the way."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfdarts.training.schedules import EpochCosine
from tfdarts.training.schedules import EpochExponential
from tfdarts.training.schedules import EpochSteps
from tfdarts.training.schedules import LearningRate
from tfdarts.training.schedules import WarmUp
from tfdarts.training.schedules import exact_rate

SCHEDULES = [
    EpochCosine(0.025, 0.001, 50, 61),
    EpochExponential(0.1, 0.97, 61),
    EpochSteps(0.1, 50, 61),
    WarmUp(EpochCosine(0.025, 0.001, 50, 61), 41),
]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_rates_are_rounded_once_to_the_float_type_of_keras(schedule):
    steps = tf.range(50 * 61)
    exact = exact_rate(schedule, steps).numpy()
    assert exact.dtype == "float64"
    for function in (schedule, tf.function(schedule)):
        rates = function(steps).numpy()
        assert rates.dtype == keras.config.floatx() == "float32"
        np.testing.assert_array_equal(rates, exact.astype("float32"))


@pytest.mark.parametrize("optimizer", ["Muon", "Lion", "Lamb", "RMSprop"])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_optimizers_of_keras_follow_a_schedule(optimizer, schedule):
    model = keras.Sequential([keras.Input([3]), keras.layers.Dense(2)])
    model.compile(getattr(keras.optimizers, optimizer)(schedule), loss="mse")
    before = model.get_weights()
    model.fit(np.ones([4, 3]), np.ones([4, 2]), verbose=0)
    assert not np.array_equal(before[0], model.get_weights()[0])


def test_logs_have_the_digits_of_float64():
    model = keras.Sequential([keras.Input([3]), keras.layers.Dense(2)])
    model.compile(keras.optimizers.SGD(EpochSteps(0.1, 2, 1)), loss="mse")
    logs = model.fit(
        *(np.ones([4, 3]), np.ones([4, 2])),
        epochs=2,
        callbacks=[LearningRate()],
        verbose=0,
    )
    np.testing.assert_allclose(
        logs.history["learning_rate"], [0.1, 0.01], rtol=1e-15
    )
