"""Keras' random layers for images, as pure functions of a seed.

Keras' layers draw from a generator with a state, so that their results depend
on all earlier calls, and a resumed run would differ from an uninterrupted one.
"""

import keras
import tensorflow as tf

# Independent of Keras' global settings.
_FORM = {"data_format": "channels_last", "dtype": "float32"}


class _Seeds(keras.random.SeedGenerator):
    """A stateless generator: all its seeds follow from the first."""

    def __init__(self, seed):
        # Keras' constructor would create a state variable.
        self.seed = seed
        self.count = 0

    def next(self, ordered=True):
        self.count += 1
        return tf.random.experimental.stateless_fold_in(self.seed, self.count)


def rand_augment(strength):
    """Returns RandAugment as a function of images and seed.

    Two operations are drawn per batch, and their strength per image, as in
    `keras.layers.RandAugment`.

    Args:
        strength: Float above 0 and at most 1.

    Returns:
        Function `(images, seed) -> images` on tensors `(batch, height, width,
        channels)` of 1 or 3 channels, pixels from 0 to 255.

    Reference:

    - [Cubuk et al., 2020](https://arxiv.org/abs/1909.13719)
    """
    layer = keras.layers.RandAugment((0, 255), factor=strength, **_FORM)

    def transform(images, seed):
        channels = images.shape[-1]
        # The layer's color operations need three channels.
        images = tf.repeat(tf.cast(images, tf.float32), 3 // channels, axis=-1)
        layer.generator = _Seeds(seed)
        drawn = layer.get_random_transformation(images)
        return layer.transform_images(images, drawn)[..., :channels]

    return transform


def mix_up(alpha):
    """Returns mixup as a function of images, labels and seed.

    Each image and its label are mixed with another example of the batch, by a
    share drawn from Beta(alpha, alpha).

    Args:
        alpha: Positive float.

    Returns:
        Function `(images, labels, seed) -> (images, labels)`; labels are
        probabilities, `(batch, num_classes)`.

    Reference:

    - [Zhang et al., 2018](https://arxiv.org/abs/1710.09412)
    """
    layer = keras.layers.MixUp(alpha, **_FORM)

    def transform(images, labels, seed):
        batch = {"images": images, "labels": labels}
        drawn = layer.get_random_transformation(batch, seed=_Seeds(seed))
        return (
            layer.transform_images(images, drawn),
            layer.transform_labels(labels, drawn),
        )

    return transform
