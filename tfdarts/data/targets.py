"""Targets of the loss other than plain labels: weights, soft labels."""

import tensorflow as tf

from tfdarts.data.keras_layers import mix_up


def weight_by_class(class_weight):
    """Returns a function that adds the weight of each example of a batch.

    Args:
        class_weight: Dict from labels to floats; other labels weigh 1.

    Returns:
        Function `(images, labels) -> (images, labels, weights)`, where labels
        are class numbers, or probabilities `(batch, num_classes)`, whose
        largest one counts.

    Example:

    >>> weigh = weight_by_class({0: 1.0, 1: 4.0})
    >>> weigh(None, tf.constant([1, 0]))[2].numpy().tolist()
    [4.0, 1.0]
    """
    labels = range(max(class_weight) + 1)
    weights = [class_weight.get(label, 1.0) for label in labels]

    def transform(images, labels):
        classes = labels
        if labels.shape.rank == 2:
            classes = tf.argmax(labels, axis=-1)
        return images, labels, tf.gather(tf.constant(weights), classes)

    return transform


def soft_targets(num_classes, label_smoothing=0.0, mixup=0.0):
    """Returns a function from training labels to class probabilities.

    The probabilities are made here, not in the loss, because validation uses
    plain labels.

    Args:
        num_classes: Integer.
        label_smoothing: Float, the share of a label that is spread evenly
            over all classes.
        mixup: Float, the alpha of `mix_up`; `0` for none.

    Returns:
        Function `(images, labels, seed) -> (images, probabilities)`.

    Example:

    >>> targets = soft_targets(4, label_smoothing=0.5)
    >>> targets(None, tf.constant([2]), [0, 0])[1].numpy().tolist()
    [[0.125, 0.125, 0.625, 0.125]]

    Reference:

    - [Szegedy et al., 2016](https://arxiv.org/abs/1512.00567), section 7
    """
    mix = mix_up(mixup) if mixup else None

    def transform(images, labels, seed):
        targets = tf.one_hot(
            labels,
            num_classes,
            on_value=1 - label_smoothing + label_smoothing / num_classes,
            off_value=label_smoothing / num_classes,
        )
        if mix is None:
            return images, targets
        return mix(images, targets, seed)

    return transform
