import functools
import itertools

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from tfdarts.data.augmentation import center_crop
from tfdarts.data.augmentation import cutout
from tfdarts.data.augmentation import normalize
from tfdarts.data.augmentation import pad_and_crop
from tfdarts.data.augmentation import prepare_for_test
from tfdarts.data.augmentation import random_flip
from tfdarts.data.augmentation import random_resized_crop

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


# All of them


TRANSFORMATIONS = pytest.mark.parametrize(
    "transformation",
    [
        functools.partial(pad_and_crop, padding=PADDING),
        random_flip,
        functools.partial(cutout, length=4),
    ],
    ids=["pad_and_crop", "random_flip", "cutout"],
)


@TRANSFORMATIONS
def test_the_seed_decides(transformation):
    images = random_images(100)
    first, again, other, another = (
        transformation(images, seed=seed).numpy()
        for seed in ([1, 2], [1, 2], [1, 3], [2, 2])
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert (first != another).any()
    assert (other != another).any()


@TRANSFORMATIONS
def test_global_seeds_change_nothing(transformation):
    images = random_images(10)
    tf.random.set_seed(1)
    first = transformation(images, seed=[1, 2])
    tf.random.set_seed(2)
    again = transformation(images, seed=[1, 2])
    np.testing.assert_array_equal(first, again)


@TRANSFORMATIONS
@pytest.mark.parametrize("drop_remainder", [True, False])
def test_a_data_pipeline_does_as_eager_execution(
    transformation, drop_remainder
):
    images = random_images(20)
    dataset = tf.data.Dataset.from_tensor_slices(images)
    dataset = dataset.batch(20, drop_remainder=drop_remainder)
    dataset = dataset.map(lambda batch: transformation(batch, seed=[5, 6]))
    assert dataset.element_spec.shape[1:] == images.shape[1:]
    (mapped,) = dataset
    eager = transformation(images, seed=[5, 6])
    np.testing.assert_array_equal(mapped, eager)
    assert (eager != images).numpy().any()


# Mirror images


def test_half_of_the_images_are_mirrored_and_the_others_left():
    images = random_images(1000)
    results = random_flip(images, [3, 4]).numpy()
    mirrored = [
        np.array_equal(result, image[:, ::-1])
        for image, result in zip(images, results)
    ]
    for image, result, mirror in zip(images, results, mirrored):
        assert mirror or np.array_equal(result, image)
    assert scipy.stats.binomtest(sum(mirrored), 1000).pvalue > 1e-4


# Cutout


def published_squares(height, width, length):
    """The squares of DeVries' and Taylor's code, by their centre."""
    squares = {}
    for y, x in itertools.product(range(height), range(width)):
        mask = np.zeros((height, width), bool)
        rows = slice(*np.clip([y - length // 2, y + length // 2], 0, height))
        columns = slice(*np.clip([x - length // 2, x + length // 2], 0, width))
        mask[rows, columns] = True
        squares[mask.tobytes()] = (y, x)
    return squares


@pytest.mark.parametrize("shape", [(5, 7, 1), (6, 6, 3)])
def test_the_squares_are_the_published_and_all_equally_likely(shape):
    images = random_images(2000, shape).astype("float32")
    results = cutout(images, 4, [3, 4]).numpy()
    squares = published_squares(*shape[:2], 4)
    assert len(squares) == shape[0] * shape[1]
    centres = []
    for image, result in zip(images, results):
        cut = result == 0
        np.testing.assert_array_equal(result[~cut], image[~cut])
        assert (cut == cut[..., :1]).all()
        centres.append(squares[cut[..., 0].tobytes()])
    counts = [centres.count(centre) for centre in squares.values()]
    assert scipy.stats.chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize("length", [1, 2, 3, 16])
def test_the_square_has_the_length_where_it_fits(length):
    images = np.ones((200, 16, 16, 1), "float32")
    cut = cutout(images, length, [1, 2]).numpy() == 0
    assert cut.any(2).sum(1).max() == length
    assert cut.any(1).sum(1).max() == length


def test_no_length_is_no_change():
    images = random_images(3)
    np.testing.assert_array_equal(cutout(images, 0, [1, 2]), images)


def gradient_images(batch, height=40, width=60):
    """Pixels that say where they are: (row, column)."""
    rows, columns = np.mgrid[:height, :width].astype("float32")
    image = np.stack([rows, columns], axis=-1)
    return np.repeat(image[np.newaxis], batch, axis=0)


def parts(seed, batch=20_000, size=8):
    """Where each part begins and ends, (top, bottom), (left, right)."""
    images = gradient_images(batch, 20, 30)
    result = random_resized_crop(images, size, seed).numpy()
    rows, columns = result[:, :, 0, 0], result[:, 0, :, 1]

    def ends(places):
        step = (places[:, 4] - places[:, 3])[:, np.newaxis]
        middle = places[:, 3:5].mean(1, keepdims=True)
        return np.hstack([middle - size / 2 * step, middle + size / 2 * step])

    return ends(rows) + 0.5, ends(columns) + 0.5


def test_random_parts_are_of_the_published_area_and_shape():
    rows, columns = parts([1, 2])
    heights, widths = np.diff(rows)[:, 0], np.diff(columns)[:, 0]
    for ends, size in ((rows, 20), (columns, 30)):
        assert ends.min() > -0.01 and ends.max() < size + 0.01
    areas, ratios = heights * widths / 600, widths / heights
    assert areas.min() > 0.079 and areas.max() < 1.001
    assert areas.min() < 0.1 and areas.max() > 0.8
    assert ratios.min() > 0.749 and ratios.max() < 1.335
    # Small ones always fit: there the logarithm of the shape is uniform.
    small = np.log(ratios[areas < 0.3]) / np.log(4 / 3)
    assert scipy.stats.kstest(small, "uniform", (-1, 2)).pvalue > 1e-4
    few = areas < 0.3
    free = rows[few, 0] / (20 - heights[few])
    assert scipy.stats.kstest(free, "uniform").pvalue > 1e-4


def test_random_parts_are_bilinear():
    """A ramp stays a ramp, up to the edges."""
    result = random_resized_crop(gradient_images(50), 16, [3, 4]).numpy()
    inside = (result > 0.5) & (result < [38.5, 58.5])
    for channel, axis in ((0, 1), (1, 2)):
        steps = np.diff(result[..., channel], axis=axis)
        whole = inside[..., channel]
        both = np.minimum(*(np.delete(whole, end, axis) for end in (0, -1)))
        steps = np.where(both, steps, np.nan)
        spread = np.nanmax(steps, (1, 2)) - np.nanmin(steps, (1, 2))
        assert np.nanmax(spread) < 1e-3
    plain = np.full((50, 5, 6, 1), 200, "uint8")
    np.testing.assert_allclose(random_resized_crop(plain, 16, [3, 4]), 200)


def test_all_of_an_image_where_no_part_fits():
    """Twenty times as wide as high: the square about the centre."""
    image = gradient_images(3, height=4, width=80)
    wide = random_resized_crop(image, 4, [1, 2]).numpy()
    high = random_resized_crop(np.swapaxes(image, 1, 2), 4, [1, 2]).numpy()
    for one in (*wide, *np.swapaxes(high, 1, 2)):
        np.testing.assert_allclose(one, image[0, :, 38:42], atol=1e-4)


def test_the_seed_decides_the_part():
    images = gradient_images(5)
    once, again, other = (
        random_resized_crop(images, 8, seed)
        for seed in ([1, 2], [1, 2], [1, 3])
    )
    np.testing.assert_array_equal(once, again)
    assert np.abs(once - other).max() > 1


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_the_centre_is_in_the_middle(size):
    image = gradient_images(1, height=5, width=4)
    result = center_crop(image, size)[0]
    top, left = (5 - size) // 2, (4 - size) // 2
    np.testing.assert_array_equal(
        result, image[0, top : top + size, left : left + size]
    )


def test_what_is_tested_is_the_centre_normalised():
    images = random_images(3, (6, 8, 2))
    mean, std = (0.25, 0.5), (0.5, 0.25)
    expected = (images[:, 1:5, 2:6] / 255 - mean) / std
    result = prepare_for_test(images, mean, std, crop_size=4)
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)
    whole = prepare_for_test(images, mean, std)
    np.testing.assert_allclose(
        whole, (images / 255 - mean) / std, rtol=1e-5, atol=1e-6
    )
