"""Image files as a graph reads them, in training and on a server alike."""

import tensorflow as tf

from tfdarts import image_kinds

_HEAD = 66
_ANY = ord("?")
# What JPEG, PNG, BMP, GIF and WebP files begin with.
_SIGNATURES = [
    [*signature.ljust(12, b"?")]
    for signature in b"\xff\xd8\xff \x89PNG BM GIF8 RIFF????WEBP".split()
]
# Red, green and blue in gray (ITU-R BT.601), as integers out of 2**16: what
# Pillow computes, and exact for gray files.
_GRAY = (19595, 38470, 7471)
# Where BMPs with bit fields must have their colors, for others have them there.
_MASKS = (0xFF0000, 0xFF00, 0xFF)


def decode_images(contents, image_shape, fit="stretch"):
    """Returns image files as images of one shape, in a graph.

    Args:
        contents: String tensor `(batch,)`, the content of a file each; see
            `decode_image`.
        image_shape: Tuple `(height, width, channels)`, 1 or 3 channels.
        fit: See `resize`; or `None` if all files have that size.

    Returns:
        A `uint8` tensor `(batch, height, width, channels)`.

    Raises:
        InvalidArgumentError: Where the graph runs, if a file cannot be
            decoded; a server answers INVALID_ARGUMENT.
    """
    *size, channels = image_shape

    def decode(content):
        image = decode_image(content, channels)
        if fit is not None:
            image = resize(image, size, fit)
        return tf.ensure_shape(image, image_shape)

    return tf.map_fn(
        decode,
        contents,
        fn_output_signature=tf.TensorSpec(image_shape, tf.uint8),
    )


@tf.function  # It is traced once, for building its graph takes a while.
def decode_image(content, channels):
    """Returns an image file as pixels, in a graph.

    Files may be PNG, JPEG, BMP, GIF or WebP; `tfdarts.image_kinds` says which
    of them are not taken. Of an animated GIF the first frame counts. Alpha
    channels are dropped; a fully transparent pixel of a GIF has no color and
    becomes black. EXIF orientations are ignored.

    Args:
        content: String tensor `()`, the content of the file.
        channels: Integer, 1 or 3; a color image becomes gray as Pillow's
            mode `L` has it.

    Returns:
        A `uint8` tensor `(height, width, channels)`.

    Raises:
        InvalidArgumentError: Where the graph runs, if the file is broken, or
            of a kind that is not taken.
    """
    # Padded, for bytes behind the end of a string cannot be asked for.
    head = tf.strings.substr(
        tf.strings.join([content, b"\0" * _HEAD]), 0, _HEAD
    )
    head = tf.cast(tf.io.decode_raw(head, tf.uint8), tf.int32)
    image = tf.switch_case(
        _kind(head),
        [
            lambda: _decode_jpeg(content),
            lambda: _decode_png(content, head),
            lambda: _decode_bmp(content, head),
            lambda: _decode_gif(content, head),
            lambda: _decode_webp(content, head),
            lambda: _refuse(content),
        ],
    )
    if channels == 1:
        weights = tf.constant(_GRAY)
        gray = tf.reduce_sum(tf.cast(image, tf.int32) * weights, -1, True)
        image = tf.cast((gray + 2**15) // 2**16, tf.uint8)
    return tf.ensure_shape(image, (None, None, channels))


def resize(images, size, fit="stretch"):
    """Returns images of another size.

    It interpolates linearly, and averages where it makes images smaller: what
    Pillow's `Resampling.BILINEAR` computes, up to one level.

    Args:
        images: `uint8` tensor `(..., height, width, channels)`, of rank 3 or
            4.
        size: Tuple of integers `(height, width)`.
        fit: String, `"stretch"`: all of an image, its sides changed; or
            `"crop"`: the largest square about its center.

    Returns:
        A `uint8` tensor `(..., height, width, channels)`.
    """
    if fit == "crop":
        images = _central_square(images)
    images = tf.image.resize(images, size, antialias=True)
    return tf.cast(tf.round(images), tf.uint8)


def _kind(head):
    """Returns the place of a file's format in `_SIGNATURES`, or behind it."""
    signatures = tf.constant(_SIGNATURES)
    fits = (signatures == _ANY) | (signatures == head[: signatures.shape[1]])
    fits = tf.concat([tf.reduce_all(fits, axis=1), [True]], axis=0)
    return tf.argmax(fits, output_type=tf.int32)


def _decode_jpeg(content):
    # What TensorFlow takes by default is faster, and up to 11 levels off.
    return tf.io.decode_jpeg(content, 3, dct_method="INTEGER_ACCURATE")


def _decode_png(content, head):
    with _require(head[24] != 16, image_kinds.DEEP):
        return tf.io.decode_png(content, 3)


def _decode_bmp(content, head):
    bits, compression = _integer(head, 28, 2), _integer(head, 30)
    masks = tf.stack([_integer(head, at) for at in (54, 58, 62)])
    # TensorFlow looks at neither of them.
    is_usual = tf.cond(
        tf.equal(bits, 8),
        lambda: (compression == 0) & _has_gray_palette(content, head),
        lambda: (
            (compression == 0)
            | ((compression == 3) & tf.reduce_all(masks == _MASKS))
        ),
    )
    is_plain = (
        (_integer(head, 14) >= 40)
        & tf.reduce_any(bits == (8, 24, 32))
        & is_usual
    )
    with _require(is_plain, image_kinds.ODD_BMP):
        return _decode_any(content, 3)


def _has_gray_palette(content, head):
    """Whether the pixels of an 8-bit BMP are the places in its palette."""
    used = _integer(head, 46)
    count = tf.where(used == 0, 256, tf.clip_by_value(used, 1, 256))
    # What begins behind the end would be an error that quotes all bytes.
    start = tf.clip_by_value(
        14 + _integer(head, 14), 0, tf.strings.length(content)
    )
    palette = tf.strings.substr(content, start, 4 * count)
    colors = tf.reshape(tf.io.decode_raw(palette, tf.uint8), (-1, 4))[:, :3]
    places = tf.range(tf.shape(colors)[0])[:, tf.newaxis]
    return tf.reduce_all(tf.cast(colors, tf.int32) == places)


def _decode_gif(content, head):
    image = _decode_any(content, 3)
    canvas = tf.stack([_integer(head, 8, 2), _integer(head, 6, 2)])
    fills = tf.reduce_all(tf.shape(image)[:2] == canvas)
    with _require(fills, image_kinds.ODD_FRAME):
        return tf.identity(image)


def _decode_webp(content, head):
    is_extended = tf.reduce_all(head[12:16] == [*b"VP8X"])
    is_animated = is_extended & (head[20] // 2 % 2 == 1)
    # Of animations of three channels TensorFlow 2.21 overruns its buffer.
    with _require(~is_animated, image_kinds.ANIMATED_WEBP):
        # It refuses three channels of files that have four.
        return _decode_any(content, 0)[..., :3]


def _decode_any(content, channels):
    # Older servers have this operation too, but not all others.
    image = tf.io.decode_image(content, channels, expand_animations=False)
    return tf.ensure_shape(image, (None, None, None))


def _refuse(content):
    is_empty = tf.strings.length(content) == 0
    reason = tf.where(is_empty, image_kinds.EMPTY, image_kinds.UNKNOWN)
    with _require(tf.constant(False), reason):
        return tf.zeros((1, 1, 3), tf.uint8)


def _require(condition, sentence):
    return tf.control_dependencies([tf.debugging.Assert(condition, [sentence])])


def _integer(head, at, count=4):
    """Returns the little-endian integer of some bytes."""
    return sum(head[at + k] * 256**k for k in range(count))


def _central_square(images):
    height, width = tf.unstack(tf.shape(images)[-3:-1])
    side = tf.minimum(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return images[..., top : top + side, left : left + side, :]
