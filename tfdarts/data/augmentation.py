"""Transformations of image batches, as pure functions."""

import tensorflow as tf

from tfdarts.replicas import own_rows


def normalize(images, mean, std):
    """Returns images scaled to 0 to 1, minus mean, over standard deviation.

    Args:
        images: `uint8` tensor `(batch, height, width, channels)`.
        mean: Floats, one per channel, for images scaled to 0 to 1.
        std: Like `mean`, positive.

    Returns:
        A `float32` tensor of the same shape.
    """
    scaled = tf.cast(images, tf.float32) / 255.0
    mean = tf.constant(mean, tf.float32)
    return (scaled - mean) / tf.constant(std, tf.float32)


def pad_and_crop(images, padding, seed):
    """Returns each image shifted at random and padded with zeros.

    Each image is padded, then cropped to its original size at a random place.

    Args:
        images: Tensor `(batch, height, width, channels)`.
        padding: Integer, pixels on each side: the largest shift.
        seed: Two integers. The same seed gives the same result.
    """
    height, width = images.shape[1:3]
    offsets = draw_per_image(
        [2], images, [1], seed, maxval=2 * padding + 1, dtype=tf.int32
    )
    sides = [padding, padding]
    padded = tf.pad(images, [[0, 0], sides, sides, [0, 0]])
    rows = tf.gather(
        padded, offsets[0] + tf.range(height), axis=1, batch_dims=1
    )
    return tf.gather(rows, offsets[1] + tf.range(width), axis=2, batch_dims=1)


def random_resized_crop(images, size, seed):
    """Returns a random part of each image, resized to a square.

    The part has 8% to 100% of the area and an aspect ratio between 3/4 and
    4/3. Up to ten parts are drawn for an image, and the first that fits is
    taken; if none fits, the part is the largest square in the center.

    Args:
        images: Tensor `(batch, height, width, channels)`.
        size: Integer, the side of the square in pixels.
        seed: Two integers. The same seed gives the same result.

    Returns:
        A `float32` tensor `(batch, size, size, channels)`.

    Reference:

    - [Szegedy et al., 2015](https://arxiv.org/abs/1409.4842), section 6
    """
    height, width = images.shape[1:3]
    area, log_ratio, top, left = tf.unstack(
        draw_per_image([4], images, [10], seed)
    )
    area = (0.08 + 0.92 * area) * height * width
    ratio = (4 / 3) ** (2 * log_ratio - 1)
    heights, widths = tf.sqrt(area / ratio), tf.sqrt(area * ratio)
    fits = (heights <= height) & (widths <= width)
    first = tf.argmax(fits, axis=1)
    fitting = tf.reduce_any(fits, axis=1)

    def choose(values, otherwise):
        fitting_values = tf.gather(values, first, batch_dims=1)
        return tf.where(fitting, fitting_values, otherwise)

    side = min(height, width)
    heights, widths = choose(heights, side), choose(widths, side)
    top = choose(top, 0.5) * (height - heights)
    left = choose(left, 0.5) * (width - widths)
    return _crop_and_resize(images, top, left, heights, widths, size)


def _crop_and_resize(images, top, left, heights, widths, size):
    """Returns parts of images, resized bilinearly at pixel centers."""
    # TensorFlow returns zeros within half a pixel of the edge.
    images = tf.pad(images, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")
    height, width = images.shape[1:3]

    def ends(start, extent, num_pixels):
        # TensorFlow's boxes reach from the center of the first output pixel
        # to the center of the last.
        half = extent / size / 2
        first, last = start + half + 0.5, start + extent - half + 0.5
        return first / (num_pixels - 1), last / (num_pixels - 1)

    (top, bottom), (left, right) = (
        ends(top, heights, height),
        ends(left, widths, width),
    )
    return tf.image.crop_and_resize(
        images,
        tf.stack([top, left, bottom, right], axis=-1),
        tf.range(tf.shape(images)[0]),
        (size, size),
    )


def center_crop(images, size):
    """Returns the square in the center of each image.

    Args:
        images: Tensor `(batch, height, width, channels)`.
        size: Integer, the side of the square, at most that of the images.
    """
    top, left = ((side - size) // 2 for side in images.shape[1:3])
    return images[:, top : top + size, left : left + size]


def prepare_for_test(images, mean, std, crop_size=0):
    """Returns images as the network's input outside of training.

    Args:
        images: `uint8` tensor `(batch, height, width, channels)`.
        mean: See `normalize`.
        std: See `normalize`.
        crop_size: Integer, the side of a square in the center to crop to; `0`
            for the whole image.
    """
    if crop_size:
        images = center_crop(images, crop_size)
    return normalize(images, mean, std)


def random_flip(images, seed):
    """Returns each image unchanged or mirrored left to right, at random.

    Args:
        images: Tensor `(batch, height, width, channels)`.
        seed: Two integers. The same seed gives the same result.
    """
    heads = draw_per_image([], images, [1], seed)
    columns = tf.range(images.shape[2])
    columns = tf.where(heads < 0.5, columns[::-1], columns)
    # A choice between images and mirrored ones would take twice as long.
    return tf.gather(images, columns, axis=2, batch_dims=1)


def cutout(images, length, seed):
    """Returns images, each with a square of zeros at a random place.

    The square's center may be any pixel, so the square may extend past the
    image. In normalized images, zero is the mean.

    Args:
        images: Tensor `(batch, height, width, channels)`.
        length: Integer, the side of the square.
        seed: Two integers. The same seed gives the same result.

    Reference:

    - [DeVries and Taylor, 2017](https://arxiv.org/abs/1708.04552)
    """
    height, width, channels = images.shape[1:]
    seeds = tf.random.split(seed)
    rows = _inside(height, length, images, seeds[0])
    columns = _inside(width, length, images, seeds[1])
    # Masking each channel by itself takes half as long as broadcasting.
    columns = tf.repeat(columns, channels, axis=1)
    square = rows[:, :, tf.newaxis] & columns[:, tf.newaxis, :]
    lines = tf.reshape(images, (-1, height, width * channels))
    lines = tf.where(square, tf.zeros_like(lines), lines)
    return tf.reshape(lines, tf.shape(images))


def _inside(size, length, images, seed):
    """Returns a mask of the `length` places around a random one."""
    center = draw_per_image([], images, [1], seed, maxval=size, dtype=tf.int32)
    place = tf.range(size) - center + length // 2
    return (place >= 0) & (place < length)


def draw_per_image(outer, images, inner, seed, *limits, **options):
    """Returns random numbers for each image of a batch.

    Args:
        outer: List of integers, dimensions before the batch dimension.
        images: Tensor, a batch or one process's rows of it. A row's numbers
            depend on its position in the whole batch.
        inner: List of integers, dimensions after the batch dimension.
        seed: Two integers. The same seed gives the same result.
        *limits, **options: Arguments of `tf.random.stateless_uniform`.
    """

    def draw(rows):
        shape = [*outer, rows, *inner]
        return tf.random.stateless_uniform(shape, seed, *limits, **options)

    return own_rows(draw, tf.shape(images)[0], axis=len(outer))
