"""Color transformations, as pure functions."""

import tensorflow as tf

from tfdarts.data.augmentation import draw_per_image

# Weights of red, green and blue in the luma (ITU-R BT.601), as in PIL.
_LUMINANCE = (0.299, 0.587, 0.114)


def color_jitter(images, strength, seed):
    """Returns images with random brightness, contrast, saturation and hue.

    Four numbers are drawn for each image. In this order, brightness, contrast
    and saturation are multiplied by 1 - strength to 1 + strength, and the hue
    is rotated by up to strength / 2 of the full circle. Gray images have no
    saturation and no hue.

    Args:
        images: Tensor `(batch, height, width, channels)`, pixels from 0 to
            255, 1 or 3 channels.
        strength: Float from 0 to 1; the published value for ImageNet is 0.4.
        seed: Two integers. The same seed gives the same result.

    Returns:
        A `float32` tensor of the same shape, pixels from 0 to 255.
    """
    changes = draw_per_image([4], images, [1, 1, 1], seed, -strength, strength)
    brightness, contrast, saturation = tf.unstack(1 + changes[:3])
    images = _clip_to_valid(tf.cast(images, tf.float32) * brightness)
    mean = tf.reduce_mean(_to_gray(images), axis=(1, 2, 3), keepdims=True)
    images = _blend(images, mean, contrast)
    if images.shape[-1] == 1:
        return images
    images = _blend(images, _to_gray(images), saturation)
    return _shift_hue(images, changes[3] / 2)


def _clip_to_valid(images):
    return tf.clip_by_value(images, 0.0, 255.0)


def _blend(images, others, share):
    return _clip_to_valid(others + share * (images - others))


def _to_gray(images):
    if images.shape[-1] == 1:
        return images
    return tf.reduce_sum(
        images * tf.constant(_LUMINANCE), axis=-1, keepdims=True
    )


def _shift_hue(images, turns):
    """Returns images with rotated hue; a turn of 1 is the full circle."""
    hue, saturation, value = tf.split(
        tf.image.rgb_to_hsv(images / 255.0), 3, axis=-1
    )
    hue = tf.math.floormod(hue + turns, 1.0)
    turned = tf.image.hsv_to_rgb(tf.concat([hue, saturation, value], axis=-1))
    return turned * 255.0
