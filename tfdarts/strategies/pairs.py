"""Checks of the data of a search: pairs of batches."""

import keras
import numpy as np
import tensorflow as tf

from tfdarts.models.skeleton import LEAST_SIDE
from tfdarts.models.supernet import Supernet
from tfdarts.models.supernet import carries_state
from tfdarts.models.supernet import image_shape
from tfdarts.strategies.label_checks import check_batch

PAIRS = (
    "a search takes two tuples of arrays, search.fit((x, y), (x_val, y_val)), "
    "or a `tf.data.Dataset` of ((x, y), (x_val, y_val)): a batch for the "
    "weights and a batch for alpha. Make one of two data sets of (x, y): "
    "tf.data.Dataset.zip(train.batch(64), validation.batch(64))."
)
NOT_TAKEN = {
    "class_weight": "give `class_weight` to `compile`",
    "sample_weight": "give tuples (x, y, sample_weight)",
    "validation_split": "split the arrays before",
}


def as_pairs(model, x, y=None, options=()):
    """Returns the data of a search as pairs of batches.

    Args:
        model: The model of the search.
        x, y: The arguments of `fit`.
        options: Dict of the further arguments of `fit`.

    Returns:
        The data for `fit`, and its further arguments.

    Raises:
        ValueError: If the data are not in one of the forms of `DARTS.fit`.
    """
    given = [
        name
        for name in NOT_TAKEN
        if options.get(name) is not None and np.any(options[name])
    ]
    if given:
        hints = " and ".join(NOT_TAKEN[name] for name in given)
        raise ValueError(
            f"`fit` of a search does not take {', '.join(given)}: {hints}, "
            f"because {PAIRS}"
        )
    options = dict(options)
    if _is_batch(x) and _is_batch(y) and not carries_state(model):
        batch_size = options.pop("batch_size", None) or 32
        shuffle = options.pop("shuffle", True)
        x = _pairs_of_arrays(x, y, batch_size, shuffle)
    elif y is not None or x is None or isinstance(x, (tuple, list, dict)):
        raise ValueError(f"Received arrays, but {PAIRS}")
    if isinstance(x, tf.data.Dataset):
        if not _is_pair_of_batches(x.element_spec):
            raise ValueError(
                f"Received batches of {_describe(x.element_spec)}, but {PAIRS}"
            )
        if x.cardinality() == 0:
            raise ValueError(
                "The data set of a search is empty. Does drop_remainder=True "
                "drop its only batch?"
            )
        options.setdefault("shuffle", False)
    return x, options


def _pairs_of_arrays(train, validation, batch_size, shuffle):
    """Returns a data set of pairs of whole batches.

    One epoch takes each example for the weights once. The examples for alpha
    repeat as often as needed.
    """
    datasets = []
    for examples in (train, validation):
        arrays = tuple(map(_as_arrays, examples))
        lengths = {len(array) for array in keras.tree.flatten(arrays)}
        if len(lengths) != 1 or 0 in lengths:
            raise ValueError(
                "The arrays of the examples must have the same number of rows, "
                f"at least one. Received rows: {sorted(lengths)}."
            )
        (rows,) = lengths
        dataset = tf.data.Dataset.from_tensor_slices(arrays)
        if shuffle:
            dataset = dataset.shuffle(rows)
        if datasets:
            dataset = dataset.repeat()
        size = min(batch_size, rows)
        datasets.append(dataset.batch(size, drop_remainder=True))
    return tf.data.Dataset.zip(*datasets).prefetch(tf.data.AUTOTUNE)


def _as_arrays(structure):
    """Returns a structure of arrays, with tuples for lists of arrays.

    `tf.data` would stack the arrays of a list. Doubles get Keras' default
    float type, as in `fit`.
    """
    if isinstance(structure, dict):
        return {name: _as_arrays(each) for name, each in structure.items()}
    if isinstance(structure, (list, tuple)) and not _has_numbers(structure):
        return tuple(map(_as_arrays, structure))
    values = np.asarray(structure)
    if values.dtype == np.float64:
        return values.astype(keras.config.floatx())
    return values


def _has_numbers(values):
    """Returns whether nested lists hold numbers or texts, as an array does."""
    while isinstance(values, (list, tuple)) and values:
        values = values[0]
    return np.isscalar(values)


def validate_pair(data, model, loss):
    """Returns the two batches of a step; see `validate_batch`.

    Args:
        data: An item of the data set.
        model, loss: See `validate_batch`.

    Raises:
        ValueError: If the item is not a pair of batches for the model.
    """
    if not _is_pair_of_batches(data):
        raise ValueError(f"Received batches of {_describe(data)}, but {PAIRS}")
    return [validate_batch(batch, model, loss) for batch in data]


def as_batch(batch):
    """Returns a batch as a tuple `(x, y, sample_weight)`.

    Without sample weights, the last item is an empty tuple.
    """
    return (*batch, ()) if len(batch) == 2 else tuple(batch)


def validate_batch(batch, model, loss, may_be_empty=False):
    """Returns a batch in the form that a search takes; see `as_batch`.

    Args:
        batch: A batch of the data set.
        model: `CNNSupernet`, `RNNSupernet`, or another Keras model.
        loss: Keras loss.
        may_be_empty: Boolean, whether the batch may have no rows, as the
            local batch of a process in evaluation. Defaults to `False`.

    Returns:
        Tuple of structures of tensors. Images of a supernet are cast to the
        dtype of the weights, and its class indices have no last dimension of
        1, to avoid retracing.

    Raises:
        ValueError: If the batch is empty, if the labels do not match the
            examples or the loss, or if images are not floating point.
    """
    if isinstance(model, Supernet):
        x, y = _validate_for_supernet(batch, model, loss, may_be_empty)
        return x, y, ()
    batch = tf.nest.map_structure(tf.convert_to_tensor, as_batch(batch))
    if any(tensor.shape.rank == 0 for tensor in tf.nest.flatten(batch)):
        raise ValueError(
            "A data set of a search holds batches, not single examples: call "
            f"its method `batch` first. Received {_describe(batch)}."
        )
    rows = {tensor.shape[0] for tensor in tf.nest.flatten(batch)}
    if len(rows) > 1 or (0 in rows and not may_be_empty):
        raise ValueError(
            "A batch must have at least one example, and a label for each "
            f"example. Received {_describe(batch)}."
        )
    if 0 not in rows:
        check_batch(batch, model, loss)
    return batch


def _validate_for_supernet(batch, supernet, loss, may_be_empty):
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


def _is_batch(data):
    return isinstance(data, (tuple, list)) and len(data) in (2, 3)


def _is_pair_of_batches(data):
    return _is_pair(data) and all(_is_batch(batch) for batch in data)


def _describe(data):
    """Returns a description of a structure of tensors or of their specs."""
    if isinstance(data, (tuple, list)):
        return f"({', '.join(map(_describe, data))})"
    if isinstance(data, dict):
        parts = (f"{k}: {_describe(v)}" for k, v in data.items())
        return f"{{{', '.join(parts)}}}"
    return f"{data.dtype.name} of shape {data.shape}"
