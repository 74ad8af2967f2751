import itertools

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from tfdarts.data.augmentation import normalize
from tfdarts.data.augmentation import pad_and_crop

PADDING = 2
SHIFTS = list(itertools.product(range(2 * PADDING + 1), repeat=2))


def random_images(batch, shape=(5, 7, 2)):
    generator = np.random.default_rng(0)
    return generator.integers(1, 256, (batch, *shape), dtype="uint8")


def crops(image):
    """All crops of the padded image, by their offset: in NumPy."""
    height, width, _ = image.shape
    padded = np.pad(image, ((PADDING, PADDING), (PADDING, PADDING), (0, 0)))
    return {
        (row, column): padded[row : row + height, column : column + width]
        for row, column in SHIFTS
    }


def offset_of(image, result):
    """The one offset whose crop the result is."""
    (offset,) = [
        offset
        for offset, crop in crops(image).items()
        if np.array_equal(crop, result)
    ]
    return offset


@pytest.fixture(scope="module")
def offsets():
    images = random_images(1000)
    results = pad_and_crop(images, PADDING, [3, 4]).numpy()
    assert results.dtype == "uint8"
    assert results.shape == images.shape
    return [offset_of(image, result) for image, result in zip(images, results)]


def test_each_image_has_a_crop_of_its_own(offsets):
    assert len(set(offsets[:50])) > 10


def test_all_shifts_are_equally_likely(offsets):
    counts = [offsets.count(shift) for shift in SHIFTS]
    assert min(counts) > 0
    assert scipy.stats.chisquare(counts).pvalue > 1e-4


def test_the_seed_decides_the_crops():
    images = random_images(100)
    first, again, other, another = (
        pad_and_crop(images, PADDING, seed).numpy()
        for seed in ([1, 2], [1, 2], [1, 3], [2, 2])
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert (first != another).any()
    assert (other != another).any()


def test_global_seeds_change_nothing():
    images = random_images(10)
    tf.random.set_seed(1)
    first = pad_and_crop(images, PADDING, [1, 2])
    tf.random.set_seed(2)
    again = pad_and_crop(images, PADDING, [1, 2])
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("drop_remainder", [True, False])
def test_a_data_pipeline_crops_as_eager_execution_does(drop_remainder):
    images = random_images(20)
    dataset = tf.data.Dataset.from_tensor_slices(images)
    dataset = dataset.batch(20, drop_remainder=drop_remainder)
    dataset = dataset.map(lambda batch: pad_and_crop(batch, PADDING, [5, 6]))
    (mapped,) = dataset
    eager = pad_and_crop(images, PADDING, [5, 6])
    np.testing.assert_array_equal(mapped, eager)
    for image, result in zip(images, mapped.numpy()):
        offset_of(image, result)


def test_no_padding_is_no_change():
    images = random_images(3)
    np.testing.assert_array_equal(pad_and_crop(images, 0, [1, 2]), images)


@pytest.mark.parametrize("channels", [1, 3])
def test_normalize_is_numpys(channels):
    images = random_images(4, (3, 3, channels))
    images[0, 0, 0], images[0, 0, 1] = 0, 255
    mean, std = (0.1, 0.4, 0.5)[:channels], (0.2, 0.3, 2.0)[:channels]
    expected = (images / 255 - np.array(mean)) / np.array(std)
    result = normalize(images, mean, std)
    assert result.dtype == tf.float32
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)
