import numpy as np
import pytest

from tfdarts.data.resizing import resize


@pytest.mark.parametrize("channels", [1, 3])
def test_each_image_becomes_a_square(channels):
    shapes = [(4, 8, channels), (8, 8, channels), (20, 4, channels)]
    values = (10, 20, 30)
    images = [np.full(s, v, "uint8") for s, v in zip(shapes, values)]
    squares = np.stack([resize(image, 8) for image in images])
    assert squares.shape == (3, 8, 8, channels)
    assert squares.dtype == "uint8"
    assert [np.unique(s).tolist() for s in squares] == [[10], [20], [30]]


def test_a_size_that_is_right_changes_no_pixel():
    image = np.random.default_rng(0).integers(0, 256, (6, 6, 3), "uint8")
    np.testing.assert_array_equal(resize(image, 6), image)


def test_smaller_images_are_averages():
    board = np.indices((16, 16)).sum(0) % 2 * 200
    small = resize(board[..., None].astype("uint8"), 4)
    assert np.abs(small.astype(int) - 100).max() < 15


def test_height_and_width_keep_their_places():
    image = np.zeros((4, 8, 3), "uint8")
    image[:2, :, 0] = image[:, :4, 1] = 255
    square = resize(image, 8)
    assert square[0, 7].tolist() == [255, 0, 0]
    assert square[7, 0].tolist() == [0, 255, 0]


@pytest.mark.parametrize("shape", [(4, 10), (10, 4), (5, 4), (7, 7)])
def test_the_central_square_keeps_its_proportions(shape):
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (*shape, 3), "uint8")
    side = min(shape)
    top, left = ((size - side) // 2 for size in shape)
    square = image[top : top + side, left : left + side]
    np.testing.assert_array_equal(resize(image, side, "crop"), square)
    np.testing.assert_array_equal(resize(image, 9, "crop"), resize(square, 9))
