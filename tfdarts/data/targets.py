"""What is to be learned of an image, where it is not one class alone."""

import tensorflow as tf

from tfdarts.data.keras_layers import mix_up


def weighted(class_weight):
    """Returns a function that adds what each example of a batch counts.

    Args:
        class_weight: Dict from labels to floats; others count 1.

    Returns:
        Function `(images, labels) -> (images, labels, weights)`, where labels
        are numbers of classes, or probabilities `(batch, num_classes)`, of
        which the highest decides.

    Example:

    >>> weigh = weighted({0: 1.0, 1: 4.0})
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
    """Returns what makes probabilities of the labels of a training batch.

    They are made here and not in the loss, for validation is to have the
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
