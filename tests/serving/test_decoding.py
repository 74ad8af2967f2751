"""Image files in a graph against Pillow."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfdarts.data.resizing import resize
from tfdarts.serving.decoding import decode_images


def pixels(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, "uint8")


def encoded(image, kind="PNG"):
    """The bytes of a file."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind)
    return buffer.getvalue()


def as_pillow_sees(content, mode):
    image = np.asarray(Image.open(io.BytesIO(content)).convert(mode))
    return image.reshape(*image.shape[:2], -1)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        *((kind, (6, 8)) for kind in ("PNG", "BMP", "GIF", "JPEG")),
        *((kind, (6, 8, 3)) for kind in ("PNG", "BMP", "GIF", "JPEG")),
        ("PNG", (6, 8, 4)),
    ],
)
def test_grey_and_colour_files_as_training_reads_them(kind, channels, shape):
    content = encoded(pixels(*shape), kind)
    expected = as_pillow_sees(content, "L" if channels == 1 else "RGB")
    assert expected.shape == (6, 8, channels)
    result = decode_images(tf.constant([content]), (6, 8, channels))[0]
    # Decoders of JPEG may differ by a little.
    np.testing.assert_allclose(
        result, expected, atol=4 if kind == "JPEG" else 1
    )


def test_files_of_several_sizes_and_formats_in_a_batch():
    same, wide = pixels(6, 8, 3), pixels(6, 30, 3)
    contents = [encoded(same), encoded(wide, "BMP")]
    result = decode_images(tf.constant(contents), (6, 8, 3)).numpy()
    np.testing.assert_array_equal(result[0], same)
    narrow = tf.image.resize(wide, (6, 8), antialias=True)
    np.testing.assert_allclose(result[1], narrow, atol=1e-3)


def test_the_central_square_as_training_takes_it():
    image = pixels(20, 31, 3)
    result = decode_images(tf.constant([encoded(image)]), (8, 8, 3), "crop")[
        0
    ].numpy()
    # Pillow rounds to whole pixels.
    np.testing.assert_allclose(result, resize(image, 8, "crop"), atol=1.01)


def test_the_first_frame_of_an_animation():
    frames = [Image.fromarray(np.full((4, 4), v, "uint8")) for v in (9, 200)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    result = decode_images(tf.constant([buffer.getvalue()]), (4, 4, 1))
    np.testing.assert_allclose(result, 9, atol=1)


def test_no_images_are_no_images():
    empty = tf.constant([], tf.string)
    assert decode_images(empty, (4, 5, 3)).shape == (0, 4, 5, 3)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "Input is empty"),
        (b"no image", "Unknown image file format"),
        (encoded(pixels(6, 8, 3))[:60], "Invalid PNG"),
        (encoded(pixels(6, 8, 3), "JPEG")[:300], "Invalid JPEG"),
    ],
    ids=["empty", "text", "half a PNG", "half a JPEG"],
)
def test_what_is_no_image_is_an_invalid_argument(content, sentence):
    good = encoded(pixels(6, 8, 3))
    with pytest.raises(tf.errors.InvalidArgumentError, match=sentence):
        decode_images(tf.constant([good, content]), (6, 8, 3))
