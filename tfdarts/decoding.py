"""Decoding of image files in TensorFlow graphs, for training and servers."""

import tensorflow as tf

from tfdarts import image_kinds

_HEAD = 66
_ANY = ord("?")
# The first bytes of JPEG, PNG, BMP, GIF and WebP files.
_SIGNATURES = [
    [*signature.ljust(12, b"?")]
    for signature in b"\xff\xd8\xff \x89PNG BM GIF8 RIFF????WEBP".split()
]
# Weights of red, green and blue in gray (ITU-R BT.601), in units of 2**-16.
# Pillow uses the same weights. Gray files keep their exact pixels.
_GRAY = (19595, 38470, 7471)
# The color masks of usual BMPs with bit fields; other masks are refused.
_MASKS = (0xFF0000, 0xFF00, 0xFF)


def decode_images(contents, image_shape, fit="stretch"):
    """Returns the decoded images of files, resized to one shape.

    Args:
        contents: String tensor `(batch,)`, the contents of the files; see
            `decode_image`.
        image_shape: Tuple `(height, width, channels)`, 1 or 3 channels.
        fit: See `resize`; or `None` if all files have that size.

    Returns:
        A `uint8` tensor `(batch, height, width, channels)`.

    Raises:
        InvalidArgumentError: When the graph runs, if a file cannot be
            decoded. A server then answers INVALID_ARGUMENT.
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


@tf.function  # Traced once, because building its graph takes a while.
def decode_image(content, channels):
    """Returns the pixels of an image file.

    Files may be PNG, JPEG, BMP, GIF or WebP; `tfdarts.image_kinds` lists the
    exceptions. Only the first frame of an animated GIF is decoded. Alpha
    channels are dropped; a fully transparent pixel of a GIF has no color and
    becomes black. EXIF orientations are ignored.

    Args:
        content: String tensor `()`, the content of the file.
        channels: Integer, 1 or 3. With 1, color images become gray as in
            Pillow's mode `L`.

    Returns:
        A `uint8` tensor `(height, width, channels)`.

    Raises:
        InvalidArgumentError: When the graph runs, if the file is broken, or
            of a kind that tfdarts does not accept.
    """
    # Padded, because `substr` raises an error beyond the end of a string.
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
    """Returns resized images.

    The function interpolates linearly, with antialiasing. The pixels differ
    by at most one level from those of Pillow's `Resampling.BILINEAR`.

    Args:
        images: `uint8` tensor `(..., height, width, channels)`, of rank 3 or
            4.
        size: Tuple of integers `(height, width)`.
        fit: String. `"stretch"` resizes the entire image and may change its
            aspect ratio; `"crop"` first cuts out the largest central square.

    Returns:
        A `uint8` tensor `(..., height, width, channels)`.
    """
    if fit == "crop":
        images = _central_square(images)
    images = tf.image.resize(images, size, antialias=True)
    return tf.cast(tf.round(images), tf.uint8)


def _kind(head):
    """Returns the index of a file's format in `_SIGNATURES`, or its length."""
    signatures = tf.constant(_SIGNATURES)
    fits = (signatures == _ANY) | (signatures == head[: signatures.shape[1]])
    fits = tf.concat([tf.reduce_all(fits, axis=1), [True]], axis=0)
    return tf.argmax(fits, output_type=tf.int32)


def _decode_jpeg(content):
    # TensorFlow's default method is faster, but up to 11 levels off.
    return tf.io.decode_jpeg(content, 3, dct_method="INTEGER_ACCURATE")


def _decode_png(content, head):
    with _require(head[24] != 16, image_kinds.DEEP):
        return tf.io.decode_png(content, 3)


def _decode_bmp(content, head):
    bits, compression = _integer(head, 28, 2), _integer(head, 30)
    masks = tf.stack([_integer(head, at) for at in (54, 58, 62)])
    # TensorFlow ignores the compression and the masks.
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
    """Returns whether color `i` of an 8-bit BMP's palette is gray level `i`."""
    used = _integer(head, 46)
    count = tf.where(used == 0, 256, tf.clip_by_value(used, 1, 256))
    # A start beyond the end would raise an error that quotes all bytes.
    start = tf.clip_by_value(
        14 + _integer(head, 14), 0, tf.strings.length(content)
    )
    palette = tf.strings.substr(content, start, 4 * count)
    colors = tf.reshape(tf.io.decode_raw(palette, tf.uint8), (-1, 4))[:, :3]
    grays = tf.range(tf.shape(colors)[0])[:, tf.newaxis]
    return tf.reduce_all(tf.cast(colors, tf.int32) == grays)


def _decode_gif(content, head):
    image = _decode_any(content, 3)
    canvas = tf.stack([_integer(head, 8, 2), _integer(head, 6, 2)])
    fills = tf.reduce_all(tf.shape(image)[:2] == canvas)
    with _require(fills, image_kinds.ODD_FRAME):
        return tf.identity(image)


def _decode_webp(content, head):
    is_extended = tf.reduce_all(head[12:16] == [*b"VP8X"])
    is_animated = is_extended & (head[20] // 2 % 2 == 1)
    # TensorFlow 2.21 overruns its buffer on animations of three channels.
    with _require(~is_animated, image_kinds.ANIMATED_WEBP):
        # TensorFlow refuses `channels=3` for files with four channels.
        return _decode_any(content, 0)[..., :3]


def _decode_any(content, channels):
    # Older servers lack the operations of some formats, but not this one.
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
