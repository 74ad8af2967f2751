"""Learning rates against the closed form."""

import keras
import numpy as np
import pytest

from tfdarts.layers.drop_path import DropPath
from tfdarts.training.optimizers import SGD
from tfdarts.training.schedules import EpochCosine
from tfdarts.training.schedules import LinearDropPath

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


def test_optimizer_follows_it():
    optimizer = SGD(EpochCosine(0.4, 0.0, 2, 3), momentum=0.0)
    weight = keras.Variable(0.0)
    for _ in range(6):
        optimizer.apply([keras.ops.array(1.0)], [weight])
    assert float(weight) == pytest.approx(-(3 * 0.4 + 3 * 0.2))


def test_config_round_trip():
    schedule = EpochCosine(0.1, 0.01, epochs=7, steps_per_epoch=3)
    saved = keras.optimizers.schedules.serialize(schedule)
    loaded = keras.optimizers.schedules.deserialize(saved)
    assert type(loaded) is EpochCosine
    assert loaded.get_config() == schedule.get_config()


def test_drop_path_grows_as_the_authors_have_it():
    """0.2 e / 600."""
    drop_path = DropPath()
    callback = LinearDropPath(drop_path, 0.2, 600)
    for epoch, rate in ((0, 0.0), (1, 0.2 / 600), (300, 0.1), (599, 0.199667)):
        callback.on_epoch_begin(epoch)
        assert float(drop_path.rate) == pytest.approx(rate, abs=1e-6)
