"""Transformations of image batches, as pure functions."""

import tensorflow as tf


def normalize(images, mean, std):
    """Returns images scaled to 0 to 1, minus the mean, over the deviation.

    Args:
        images: `uint8` tensor `(batch, height, width, channels)`.
        mean: Floats, one a channel, in units of the full brightness.
        std: Like `mean`, positive.

    Returns:
        A `float32` tensor of the same shape.
    """
    scaled = tf.cast(images, tf.float32) / 255.0
    mean = tf.constant(mean, tf.float32)
    return (scaled - mean) / tf.constant(std, tf.float32)


def pad_and_crop(images, padding, seed):
    """Returns each image shifted at random, with zeros where it moved from.

    It is the crop of the original size out of the padded image, at a place
    drawn for each image.

    Args:
        images: Tensor `(batch, height, width, channels)`.
        padding: Integer, pixels on each side: the largest shift.
        seed: Two integers. The same seed gives the same result.
    """
    batch = tf.shape(images)[0]
    height, width = images.shape[1:3]
    offsets = tf.random.stateless_uniform(
        [2, batch, 1], seed, maxval=2 * padding + 1, dtype=tf.int32
    )
    sides = [padding, padding]
    padded = tf.pad(images, [[0, 0], sides, sides, [0, 0]])
    rows = tf.gather(
        padded, offsets[0] + tf.range(height), axis=1, batch_dims=1
    )
    return tf.gather(rows, offsets[1] + tf.range(width), axis=2, batch_dims=1)


def random_flip(images, seed):
    """Returns each image as it is or mirrored left to right, at random.

    Args:
        images: Tensor `(batch, height, width, channels)`.
        seed: Two integers. The same seed gives the same result.
    """
    heads = tf.random.stateless_uniform([tf.shape(images)[0], 1, 1, 1], seed)
    return tf.where(heads < 0.5, tf.reverse(images, [2]), images)


def cutout(images, length, seed):
    """Returns images with a square of zeros in each, at a random place.

    Its centre may be any pixel, so it may stick out of the image. Of
    normalised images zero is the mean.

    Args:
        images: Tensor `(batch, height, width, channels)`.
        length: Integer, the side of the square.
        seed: Two integers. The same seed gives the same result.

    Reference:

    - [DeVries and Taylor, 2017](https://arxiv.org/abs/1708.04552)
    """
    height, width = images.shape[1:3]
    seeds = tf.random.split(seed)
    rows = _inside(height, length, tf.shape(images)[0], seeds[0])
    columns = _inside(width, length, tf.shape(images)[0], seeds[1])
    square = rows[:, :, tf.newaxis] & columns[:, tf.newaxis, :]
    return tf.where(square[..., tf.newaxis], tf.zeros_like(images), images)


def _inside(size, length, batch, seed):
    """Whether each place of a side is within `length` about a random one."""
    centre = tf.random.stateless_uniform(
        [batch, 1], seed, maxval=size, dtype=tf.int32
    )
    place = tf.range(size) - centre + length // 2
    return (place >= 0) & (place < length)
