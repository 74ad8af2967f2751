"""Image files in a graph against Pillow."""

import numpy as np
import pytest
import tensorflow as tf
from image_samples import COLOR_KINDS
from image_samples import GREY_KINDS
from image_samples import REFUSED_KINDS
from image_samples import as_pillow_sees
from image_samples import encode
from PIL import Image

from tfdarts.decoding import decode_image
from tfdarts.decoding import decode_images
from tfdarts.decoding import resize


def pixels(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, "uint8")


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", [*GREY_KINDS, *COLOR_KINDS])
def test_every_kind_has_the_pixels_of_its_file(kind, channels):
    content = (GREY_KINDS | COLOR_KINDS)[kind]
    np.testing.assert_array_equal(
        decode_image(tf.constant(content), channels),
        as_pillow_sees(content, channels),
    )


@pytest.mark.parametrize("kind", REFUSED_KINDS)
def test_what_is_not_taken_is_an_invalid_argument(kind):
    content, reason = REFUSED_KINDS[kind]
    with pytest.raises(tf.errors.InvalidArgumentError) as refusal:
        decode_image(tf.constant(content), 3)
    assert f"assertion failed: [{reason}]" in str(refusal.value)


@pytest.mark.parametrize(
    "kind", ["png RGB", "png P", "jpeg RGB", "bmp RGB", "webp RGBA"]
)
def test_what_is_cut_off_is_an_invalid_argument(kind):
    content = COLOR_KINDS[kind]
    for length in range(len(content) // 8, len(content), len(content) // 8):
        with pytest.raises(tf.errors.InvalidArgumentError):
            decode_image(tf.constant(content[:length]), 3)


@pytest.mark.parametrize("length", [30, 53, 54, 100])
def test_a_cut_palette_is_an_error_that_is_text(length):
    content = GREY_KINDS["bmp L"][:length]
    with pytest.raises(tf.errors.InvalidArgumentError):
        decode_image(tf.constant(content), 3)


def test_large_jpegs_are_exact_too():
    smooth = tf.image.resize(pixels(20, 30, 3), (200, 301)).numpy()
    content = encode(smooth.astype("uint8"), "JPEG", quality=95)
    np.testing.assert_array_equal(
        decode_image(tf.constant(content), 3), as_pillow_sees(content, 3)
    )


def test_files_of_several_sizes_and_formats_in_a_batch():
    same, wide = pixels(6, 8, 3), pixels(6, 30, 3)
    contents = [encode(same, "PNG"), encode(wide, "BMP")]
    result = decode_images(tf.constant(contents), (6, 8, 3)).numpy()
    np.testing.assert_array_equal(result[0], same)
    narrow = tf.image.resize(wide, (6, 8), antialias=True)
    np.testing.assert_array_equal(result[1], tf.round(narrow))


def test_what_must_have_a_size_is_not_resized():
    content = tf.constant([encode(pixels(6, 8, 3), "PNG")])
    assert decode_images(content, (6, 8, 3), None).shape == (1, 6, 8, 3)
    with pytest.raises(tf.errors.InvalidArgumentError, match="not compatible"):
        decode_images(content, (6, 6, 3), None)


def test_no_images_are_no_images():
    empty = tf.constant([], tf.string)
    assert decode_images(empty, (4, 5, 3)).shape == (0, 4, 5, 3)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("shape", [(20, 31), (9, 5), (40, 24)])
def test_images_are_resized_as_pillow_resizes_them(shape, channels):
    image = pixels(*shape, channels)
    picture = Image.fromarray(image[..., 0] if channels == 1 else image)
    expected = np.asarray(picture.resize((8, 12), Image.Resampling.BILINEAR))
    result = resize(image, (12, 8)).numpy()
    assert result.shape == (12, 8, channels) and result.dtype == "uint8"
    # Pillow rounds columns and rows, one after the other.
    np.testing.assert_allclose(
        result.astype(int), expected.reshape(result.shape), atol=1
    )


@pytest.mark.parametrize(
    ("shape", "square"),
    [
        ((6, 10), np.s_[:, 2:8]),
        ((11, 6), np.s_[2:8]),
        ((6, 6), np.s_[:]),
        ((6, 9), np.s_[:, 1:7]),
    ],
)
def test_the_central_square(shape, square):
    image = pixels(*shape, 3)
    result = resize(image, (6, 6), "crop")
    np.testing.assert_array_equal(result, image[square])


def test_several_images_are_resized_alike():
    images = pixels(3, 10, 7, 1)
    for fit in ("stretch", "crop"):
        expected = [resize(image, (5, 5), fit) for image in images]
        np.testing.assert_array_equal(resize(images, (5, 5), fit), expected)
