"""Drop path: whole examples, the mean kept, nothing outside training."""

import keras
import numpy as np
import pytest

from tfdarts.layers.drop_path import DropPath

IMAGES = np.random.default_rng(0).normal(2.0, 1.0, (5000, 2, 3, 2))


def dropped(rate, **kwargs):
    layer = DropPath(seed=0, **kwargs)
    layer.rate.assign(rate)
    return keras.ops.convert_to_numpy(layer(IMAGES, training=True))


@pytest.mark.parametrize("rate", [0.2, 0.5, 0.9])
def test_each_example_is_kept_whole_or_not_at_all(rate):
    outputs = dropped(rate, dtype="float64")
    kept = outputs.any(axis=(1, 2, 3))
    np.testing.assert_allclose(outputs[kept], IMAGES[kept] / (1 - rate), 1e-14)
    deviation = np.sqrt(rate * (1 - rate) / len(IMAGES))
    assert abs(kept.mean() - (1 - rate)) < 4 * deviation
    error = np.std(outputs.mean((1, 2, 3))) / np.sqrt(len(IMAGES))
    assert abs(outputs.mean() - IMAGES.mean()) < 4 * error


def test_at_rate_zero_and_outside_training_nothing_changes():
    np.testing.assert_array_equal(dropped(0.0, dtype="float64"), IMAGES)
    layer = DropPath(dtype="float64")
    layer.rate.assign(0.9)
    np.testing.assert_array_equal(layer(IMAGES, training=False), IMAGES)
    np.testing.assert_array_equal(layer(IMAGES), IMAGES)


def test_each_call_draws_by_itself_and_a_seed_repeats_it():
    layer, again = DropPath(seed=1), DropPath(seed=1)
    for each in (layer, again):
        each.rate.assign(0.5)
    first, second = layer(IMAGES, training=True), layer(IMAGES, training=True)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(again(IMAGES, training=True), first)
    np.testing.assert_array_equal(again(IMAGES, training=True), second)


def test_half_precision_keeps_its_type():
    outputs = DropPath(dtype="mixed_bfloat16")(IMAGES, training=True)
    assert outputs.dtype == "bfloat16"
