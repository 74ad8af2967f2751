"""Colours against Python's own conversions."""

import colorsys

import numpy as np
import pytest

from tfdarts.data.colors import color_jitter


def images(batch, channels=3):
    random = np.random.default_rng(0)
    return random.integers(0, 256, (batch, 5, 4, channels), "uint8")


def by_hand(image, brightness, contrast, saturation, turns):
    """One colour image, one pixel at a time."""

    def grey(pixels):
        return pixels @ [0.299, 0.587, 0.114]

    image = np.clip(image.astype("float64") * brightness, 0, 255)
    mean = grey(image).mean()
    image = np.clip(mean + contrast * (image - mean), 0, 255)
    level = grey(image)[..., np.newaxis]
    image = np.clip(level + saturation * (image - level), 0, 255)
    for pixel in image.reshape(-1, 3):
        hue, *rest = colorsys.rgb_to_hsv(*pixel / 255)
        pixel[:] = np.array(colorsys.hsv_to_rgb((hue + turns) % 1, *rest)) * 255
    return image


@pytest.fixture
def drawn(monkeypatch):
    """What is drawn, given instead of at random."""
    from tfdarts.data import colors

    numbers = np.random.default_rng(1).uniform(-0.4, 0.4, (4, 6, 1, 1, 1))
    asked = []

    def stateless_uniform(shape, seed, low, high):
        asked.append(([int(size) for size in shape], low, high))
        return numbers.astype("float32")

    monkeypatch.setattr(
        colors.tf.random, "stateless_uniform", stateless_uniform
    )
    yield numbers[..., 0, 0, 0]
    assert asked == [([4, 6, 1, 1, 1], -0.4, 0.4)]


def test_each_image_is_changed_as_drawn(drawn):
    given = images(6)
    result = color_jitter(given, 0.4, [1, 2]).numpy()
    for i, (one, image) in enumerate(zip(result, given)):
        b, c, s, h = drawn[:, i]
        expected = by_hand(image, 1 + b, 1 + c, 1 + s, h / 2)
        np.testing.assert_allclose(one, expected, atol=0.01)


def test_grey_images_stay_grey(drawn):
    given = images(6, channels=1)
    result = color_jitter(given, 0.4, [1, 2]).numpy()
    for i, (one, image) in enumerate(zip(result, given)):
        bright = np.clip(image * (1 + drawn[0, i]), 0, 255)
        mean = bright.mean()
        expected = np.clip(mean + (1 + drawn[1, i]) * (bright - mean), 0, 255)
        np.testing.assert_allclose(one, expected, atol=0.01)


def test_the_seed_decides():
    given = images(6)
    once, again, other = (
        color_jitter(given, 0.4, seed).numpy()
        for seed in ([1, 2], [1, 2], [1, 3])
    )
    np.testing.assert_array_equal(once, again)
    assert np.abs(once - other).max() > 10


def test_no_strength_changes_nothing():
    given = images(6)
    np.testing.assert_allclose(
        color_jitter(given, 0.0, [1, 2]), given, atol=0.01
    )
