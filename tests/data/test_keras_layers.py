"""Keras' random layers, made functions of a seed."""

import numpy as np
import pytest
import tensorflow as tf

from tfdarts.data.keras_layers import _Seeds
from tfdarts.data.keras_layers import mix_up
from tfdarts.data.keras_layers import rand_augment


def images(channels=3):
    random = np.random.default_rng(0)
    return random.integers(0, 256, (6, 8, 8, channels), "uint8")


@pytest.fixture(scope="module")
def compiled():
    transform = rand_augment(0.5)
    return tf.function(transform)


def test_the_seed_alone_decides(compiled):
    """And no state, whatever was drawn before."""
    given = tf.constant(images())
    seeds = [tf.constant([1, number]) for number in (2, 2, 3, 2)]
    once, again, other, later = (compiled(given, seed) for seed in seeds)
    np.testing.assert_array_equal(once, again)
    np.testing.assert_array_equal(once, later)
    assert np.abs(once - other).max() > 10


def test_what_is_drawn_at_once_has_seeds_of_its_own():
    """Or a share and a partner would go together in mixup."""
    seeds = _Seeds(tf.constant([1, 2]))
    drawn = {tuple(seeds.next().numpy().tolist()) for _ in range(5)}
    assert len(drawn) == 5
    first = _Seeds(tf.constant([1, 2])).next().numpy().tolist()
    assert tuple(first) in drawn


def test_images_differ_in_strength(compiled):
    same = tf.repeat(tf.constant(images()[:1]), 6, axis=0)
    different = 0
    for number in range(5):
        result = compiled(same, tf.constant([0, number])).numpy()
        different += np.abs(result - result[:1]).max() > 1
    assert different >= 2


def test_pixels_stay_in_range_and_grey_ones_grey():
    transform = rand_augment(1.0)
    for channels in (1, 3):
        given = images(channels)
        for number in range(4):
            result = transform(given, [5, number]).numpy()
            assert result.shape == given.shape
            assert result.min() >= -1e-3 and result.max() <= 255.001


def test_mixup_mixes_images_and_labels_by_the_same_share():
    random = np.random.default_rng(0)
    given = random.uniform(0, 1, (6, 2, 2, 1)).astype("float32")
    labels = tf.one_hot(range(6), 6)
    transform = mix_up(1.0)
    mixed, probabilities = transform(given, labels, [1, 2])
    shares = probabilities.numpy()
    np.testing.assert_allclose(shares.sum(1), 1, rtol=1e-5)
    expected = np.einsum("ij,jhwc->ihwc", shares, given)
    np.testing.assert_allclose(mixed, expected, atol=1e-5)
    assert (np.sort(shares, axis=1)[:, -2] > 0.01).any()
    again, _ = transform(given, labels, [1, 2])
    other, _ = transform(given, labels, [1, 3])
    np.testing.assert_array_equal(mixed, again)
    assert np.abs(other - mixed).max() > 0.01


def test_shares_of_mixup_follow_beta():
    """Beta(0.2, 0.2): mean 1/2, variance 1 / (4 (2 0.2 + 1))."""
    labels = tf.eye(2000)
    _, mixed = mix_up(0.2)(tf.zeros((2000, 1, 1, 1)), labels, [3, 4])
    shares = np.diag(mixed.numpy())
    assert shares.mean() == pytest.approx(0.5, abs=0.04)
    assert shares.var() == pytest.approx(1 / (4 * 1.4), abs=0.02)
