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
