"""Learning rates against the closed form."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfdarts.layers.drop_path import DropPath
from tfdarts.training.optimizers import SGD
from tfdarts.training.schedules import EpochCosine
from tfdarts.training.schedules import EpochCosineRestarts
from tfdarts.training.schedules import EpochExponential
from tfdarts.training.schedules import EpochSteps
from tfdarts.training.schedules import LinearDropPath
from tfdarts.training.schedules import WarmUp

STEPS = 391


@pytest.mark.parametrize(
    ("epoch", "rate"), [(0, 0.025), (25, 0.013), (49, 0.001023679)]
)
def test_rates_of_the_authors_log(epoch, rate):
    schedule = EpochCosine(0.025, 0.001, 50, STEPS)
    for step in (epoch * STEPS, (epoch + 1) * STEPS - 1):
        assert float(schedule(step)) == pytest.approx(rate, abs=1e-8)


def test_every_step_has_the_rate_of_its_epoch():
    schedule = EpochCosine(0.025, 0.001, 50, STEPS)
    epochs = np.arange(50)
    rates = 0.001 + 0.024 * (1 + np.cos(np.pi * epochs / 50)) / 2
    np.testing.assert_allclose(
        schedule(np.arange(50 * STEPS)), np.repeat(rates, STEPS), atol=1e-8
    )


@pytest.mark.parametrize(("epochs", "first"), [(150, 10), (15, 1), (45, 3)])
def test_periods_double_until_the_last_epoch(epochs, first):
    """Epoch by epoch, as in the code of ENAS."""
    schedule = EpochCosineRestarts(0.05, 0.0005, epochs, STEPS)
    done, period, rates = 0, first, []
    for _ in range(epochs):
        if done == period:
            done, period = 0, 2 * period
        cosine = (1 + np.cos(np.pi * done / period)) / 2
        rates.append(0.0005 + 0.0495 * cosine)
        done += 1
    assert done == period  # The last period is complete.
    steps = tf.Variable(STEPS * np.arange(epochs))
    for function in (schedule.exact, tf.function(schedule.exact)):
        np.testing.assert_allclose(function(steps), rates, rtol=1e-12)


def test_epochs_of_all_lengths_begin_with_their_first_step():
    """In a graph too, where a division by a constant becomes a product."""
    lengths = np.arange(1, 2001)[:, np.newaxis]
    epochs = np.arange(1, 51)
    first = tf.Variable(lengths * epochs)
    schedule = EpochCosine(0.025, 0.001, 50, 1)
    schedule.steps_per_epoch = lengths  # All at once.
    for epoch in (schedule.epoch, tf.function(schedule.epoch)):
        assert (epoch(first - 1) == epochs - 1).numpy().all()
        assert (epoch(first) == epochs).numpy().all()


@pytest.mark.parametrize(
    "schedule",
    [
        EpochCosine(0.025, 0.001, 50, 61),
        EpochExponential(0.1, 0.97, 61),
        EpochSteps(0.1, 50, 61),
        WarmUp(EpochCosine(0.025, 0.001, 50, 61), 41),
    ],
)
def test_rates_have_the_digits_of_float64(schedule):
    """As many as Python's, outside a graph and in it."""
    steps = tf.Variable(np.arange(50 * 61))
    epochs = np.arange(50 * 61) // 61
    cosine = 0.001 + 0.012 * (1 + np.cos(np.pi * epochs / 50))
    expected = {
        EpochCosine: cosine,
        EpochExponential: 0.1 * 0.97**epochs,
        EpochSteps: np.select(
            [epochs < 25, epochs < 38], [0.1, 0.01], default=0.001
        ),
        WarmUp: cosine * np.minimum((np.arange(50 * 61) + 1) / 41, 1),
    }[type(schedule)]
    for function in (schedule.exact, tf.function(schedule.exact)):
        np.testing.assert_allclose(function(steps), expected, rtol=1e-13)


@pytest.mark.parametrize("count", [0, -2, 10.0, 2.5, None, True, "10"])
@pytest.mark.parametrize(
    ("schedule", "settings", "name"),
    [
        (EpochCosine, (0.1, 0.0, 5), "steps_per_epoch"),
        (EpochExponential, (0.1, 0.97), "steps_per_epoch"),
        (EpochSteps, (0.1, 5), "steps_per_epoch"),
        (lambda *given: EpochCosine(*given, 5), (0.1, 0.0), "epochs"),
        (EpochCosineRestarts, (0.1, 0.0, 5, 3), "periods"),
        (lambda *given: EpochSteps(*given, 5), (0.1,), "epochs"),
        (WarmUp, (EpochSteps(0.1, 5, 5),), "steps"),
    ],
)
def test_counts_are_positive_integers(schedule, settings, name, count):
    message = f"`{name}` must be a positive integer. Received: {count!r}"
    with pytest.raises(ValueError, match=message):
        schedule(*settings, count)


@pytest.mark.parametrize("count", [np.int64(3), tf.constant(3)])
def test_counts_may_be_numpys_and_tensorflows(count):
    expected = EpochCosine(0.1, 0.0, 5, 3)
    assert vars(EpochCosine(0.1, 0.0, 5, count)) == vars(expected)
    assert type(EpochSteps(0.1, count, 3).get_config()["epochs"]) is int


def test_optimizer_follows_it():
    optimizer = SGD(EpochCosine(0.4, 0.0, 2, 3), momentum=0.0)
    weight = keras.Variable(0.0)
    for _ in range(6):
        optimizer.apply([keras.ops.array(1.0)], [weight])
    assert float(weight) == pytest.approx(-(3 * 0.4 + 3 * 0.2))


@pytest.mark.parametrize(
    "schedule",
    [
        EpochCosine(0.1, 0.01, epochs=7, steps_per_epoch=3),
        EpochExponential(0.1, 0.97, steps_per_epoch=3),
        EpochSteps(0.1, epochs=7, steps_per_epoch=3),
    ],
)
def test_config_round_trip(schedule):
    saved = keras.optimizers.schedules.serialize(schedule)
    loaded = keras.optimizers.schedules.deserialize(saved)
    assert type(loaded) is type(schedule)
    assert vars(loaded) == vars(schedule)


def test_rates_of_imagenet():
    """0.1 · 0.97^e, all steps of an epoch alike."""
    schedule = EpochExponential(0.1, 0.97, STEPS)
    epochs = np.arange(250)
    for step in (0, STEPS - 1):
        np.testing.assert_allclose(
            [schedule(epoch * STEPS + step) for epoch in epochs],
            0.1 * 0.97**epochs,
            rtol=1e-5,
        )


def test_rates_of_densenet():
    """0.1 for 150 epochs, 0.01 to the 225th, 0.001 to the 300th."""
    schedule = EpochSteps(0.1, 300, 7)
    rates = [float(schedule(step)) for step in range(300 * 7)]
    expected = [0.1] * 150 * 7 + [0.01] * 75 * 7 + [0.001] * 75 * 7
    np.testing.assert_allclose(rates, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("epochs", "rates"), [(1, [1.0]), (2, [1.0, 0.1]), (4, [1, 1, 0.1, 0.01])]
)
def test_few_epochs_begin_with_the_whole_rate(epochs, rates):
    schedule = EpochSteps(1.0, epochs, 5)
    found = [float(schedule(step)) for step in range(epochs * 5)]
    np.testing.assert_allclose(found, np.repeat(rates, 5), rtol=1e-6)


def test_warm_up_reaches_the_schedule_in_a_line():
    schedule = EpochCosine(0.4, 0.0, 10, 8)
    warming = WarmUp(schedule, 12)
    steps = np.arange(80)
    expected = schedule(steps) * np.minimum((steps + 1) / 12, 1)
    np.testing.assert_allclose(warming(steps), expected, rtol=1e-6)
    saved = keras.optimizers.schedules.serialize(warming)
    loaded = keras.optimizers.schedules.deserialize(saved)
    np.testing.assert_array_equal(loaded(steps), warming(steps))


def test_drop_path_grows_as_the_authors_have_it():
    """0.2 e / 600."""
    drop_path = DropPath()
    callback = LinearDropPath(drop_path, 0.2, 600)
    for epoch, rate in ((0, 0.0), (1, 0.2 / 600), (300, 0.1), (599, 0.199667)):
        callback.on_epoch_begin(epoch)
        assert float(drop_path.rate) == pytest.approx(rate, abs=1e-6)
