"""Checks of the data of a search: pairs of batches."""

import keras
import numpy as np
import tensorflow as tf

from tfdarts.models.skeleton import LEAST_SIDE
from tfdarts.models.supernet import carries_state
from tfdarts.models.supernet import image_shape

PAIRS = (
    "a search takes a `tf.data.Dataset` of ((x, y), (x_val, y_val)): a batch "
    "for the weights and a batch for alpha. Make one of two data sets of (x, "
    "y): tf.data.Dataset.zip(train.batch(64), validation.batch(64))."
)
NOT_TAKEN = ("class_weight", "sample_weight", "validation_split")


def require_pairs(x, y=None, options=()):
    """Raises `ValueError` if `fit` of a search cannot use its arguments.

    Args:
        x, y: The arguments of `fit`.
        options: Dict of the further arguments of `fit`.

    Raises:
        ValueError: If labels are given beside `x`, if there are sample
            weights, class weights or a validation split, or if the data set
            is empty or does not contain pairs.
    """
    given = [
        name
        for name in NOT_TAKEN
        if options.get(name) is not None and np.any(options[name])
    ]
    if given:
        raise ValueError(f"A search does not take {', '.join(given)}: {PAIRS}")
    if y is not None or x is None or isinstance(x, (tuple, list, dict)):
        raise ValueError(f"Received arrays, but {PAIRS}")
    if isinstance(x, tf.data.Dataset):
        if not _is_pair_of_pairs(x.element_spec):
            raise ValueError(
                f"Received batches of {_describe(x.element_spec)}, but {PAIRS}"
            )
        if x.cardinality() == 0:
            raise ValueError(
                "The data set of a search is empty. Does drop_remainder=True "
                "drop its only batch?"
            )


def validate_pair(data, supernet, loss):
    """Returns the two batches of a step; see `validate_batch`.

    Args:
        data: An item of the data set.
        supernet, loss: See `validate_batch`.

    Raises:
        ValueError: If the item is not a pair of batches for the supernet.
    """
    if not _is_pair_of_pairs(data):
        raise ValueError(f"Received batches of {_describe(data)}, but {PAIRS}")
    return [validate_batch(batch, supernet, loss) for batch in data]


def validate_batch(batch, supernet, loss, may_be_empty=False):
    """Returns a batch `(x, y)` in the form that a supernet trains on.

    Args:
        batch: A batch of the data set.
        supernet: `CNNSupernet` or `RNNSupernet`.
        loss: Keras loss.
        may_be_empty: Boolean, whether the batch may have no rows, as the
            local batch of a process in evaluation. Defaults to `False`.

    Returns:
        Tuple of two tensors. Images are cast to the dtype of the weights, and
        class indices have no last dimension of 1, to avoid retracing.

    Raises:
        ValueError: If the batch is empty, if the labels do not match the
            examples or the loss, or if images are not floating point.
    """
    if not _is_pair(batch) or any(isinstance(x, tuple) for x in batch):
        raise ValueError(
            "A batch must be (x, y), without example weights. Received "
            f"{_describe(batch)}."
        )
    x, y = (tf.convert_to_tensor(part) for part in batch)
    has_words = carries_state(supernet)
    if not (x.dtype.is_integer if has_words else x.dtype.is_floating):
        raise ValueError(
            f"{'Words must be integers' if has_words else _STANDARDIZED}. "
            f"Received {_describe(x)}."
        )
    if image_shape(supernet) is not None:
        _require_image_shape(x, supernet)
    is_empty = x.shape.rank > 0 and x.shape[0] == 0
    if (
        not x.shape.rank
        or (is_empty and not may_be_empty)
        or y.shape[:1] != x.shape[:1]
    ):
        raise ValueError(
            "A batch must have at least one example, and a label for each "
            f"example. Received x: {_describe(x)}, y: {_describe(y)}."
        )
    if isinstance(loss, keras.losses.SparseCategoricalCrossentropy):
        y = _validate_classes(x, y, supernet, has_words)
    return x if has_words else tf.cast(x, supernet.variable_dtype), y


_STANDARDIZED = (
    "Images must be floating point, such as (images / 255 - mean) / deviation"
)


def _require_image_shape(x, supernet):
    """Raises `ValueError` if the shape of images does not fit the supernet."""
    height, width, channels = supernet.image_shape
    # The stem of ImageNet is a functional model, which has a fixed size.
    one_size = getattr(supernet, "stem", None) == "imagenet"
    sides = f"{height}, {width}" if one_size else "height, width"
    if (
        x.shape.rank != 4
        or x.shape[-1] != channels
        or min(x.shape[1:3]) < LEAST_SIDE
        or (one_size and x.shape[1:3] != (height, width))
    ):
        raise ValueError(
            f"A batch of images must be (batch, {sides}, {channels}), with "
            f"height and width of at least {LEAST_SIDE}. Received "
            f"{_describe(x)}."
        )


def _validate_classes(x, y, supernet, has_words):
    """Returns labels as class indices, one for each example or word."""
    shapes = (
        [x.shape.as_list()] if has_words else [[x.shape[0]], [x.shape[0], 1]]
    )
    if y.shape.as_list() not in shapes:
        raise ValueError(
            f"Labels must be class numbers, of shape {shapes[0]}; for one-hot "
            "labels give `compile` "
            "loss=keras.losses.CategoricalCrossentropy(from_logits=True) and "
            "accuracy=keras.metrics.categorical_accuracy. Received "
            f"{_describe(y)}."
        )
    are_integers = y.dtype.is_integer or (
        y.dtype.is_floating and bool(tf.reduce_all(y == tf.floor(y)))
    )
    if not are_integers:
        raise ValueError(
            "Labels must be class numbers, 0, 1 and so on, not names or "
            f"probabilities. Received {_describe(y)}."
        )
    y = tf.reshape(y, shapes[0])
    size = getattr(
        supernet,
        "vocabulary_size" if has_words else "num_classes",
        None,
    )
    # A custom supernet need not have a number of classes.
    if size is None or 0 in y.shape:
        return y
    lowest, highest = int(tf.reduce_min(y)), int(tf.reduce_max(y))
    if lowest < 0 or highest >= size:
        raise ValueError(
            f"Labels must be from 0 to {size - 1}, because the supernet has "
            f"{size} classes. Received labels from {lowest} to {highest}."
        )
    return y


def _is_pair(data):
    return isinstance(data, (tuple, list)) and len(data) == 2


def _is_pair_of_pairs(data):
    return _is_pair(data) and all(_is_pair(batch) for batch in data)


def _describe(data):
    """Returns a description of a structure of tensors or of their specs."""
    if isinstance(data, (tuple, list)):
        return f"({', '.join(map(_describe, data))})"
    if isinstance(data, dict):
        parts = (f"{k}: {_describe(v)}" for k, v in data.items())
        return f"{{{', '.join(parts)}}}"
    return f"{data.dtype.name} of shape {data.shape}"
