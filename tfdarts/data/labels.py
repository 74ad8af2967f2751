"""Conversion of user labels to class numbers."""

import numpy as np

from tfdarts.arguments import scalar
from tfdarts.characters import compose_accents
from tfdarts.data.image_source import DataError
from tfdarts.data.image_source import check_labels
from tfdarts.data.image_source import shorten


def find_classes(labels, count, where):
    """Returns the classes of labels that have no names.

    Args:
        labels: Array or sequence; see `class_numbers`.
        count: Integer, the number of images.
        where: String, the split in error messages.

    Returns:
        Tuple of strings, the distinct labels in alphabetical order, if the
        labels are strings; otherwise `range(number of classes)`.

    Raises:
        DataError: If the labels are no class labels.
    """
    labels = _flatten_labels(labels, where)
    if _are_strings(labels):
        return tuple(sorted(set(labels)))
    if labels.ndim == 2:
        return range(labels.shape[1])
    check_labels(labels, count, None, where)
    return range(int(labels.max()) + 1)


def class_numbers(labels, count, class_names, where):
    """Returns the class number of each image.

    Args:
        labels: Array or sequence, one label for each image: integers from 0
            up (or floats and booleans with integer values), rows of one 1
            among zeros (one-hot), or strings out of `class_names`.
        count: Integer, the number of images.
        class_names: Sequence, the class of number `i` at position `i`.
        where: String, the split in error messages.

    Returns:
        Array `(count,)`, int64.

    Raises:
        DataError: If the labels have another form.

    Example:

    >>> class_numbers(["dog", "cat"], 2, ["cat", "dog"], "the train split")
    array([1, 0])
    """
    labels = _flatten_labels(labels, where)
    if _are_strings(labels):
        labels = _positions(labels, class_names, where)
    elif labels.ndim == 2 and labels.shape[1] == len(class_names):
        labels = labels.argmax(axis=1)
    check_labels(labels, count, len(class_names), where)
    return labels


def _flatten_labels(labels, where):
    """Returns labels as int64, one-hot rows or strings."""
    try:
        labels = np.asarray(labels)
    except ValueError as error:
        raise DataError(
            f"The labels of {where} must be one integer for each image, from "
            "0 up. They are ragged, so they do not form an array."
        ) from error
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]  # Labels of keras.datasets have this axis.
    if labels.dtype.kind in "SO":
        labels = _of_one_type(labels)
    if labels.dtype.kind == "U":
        names = [compose_accents(name) for name in labels.ravel().tolist()]
        labels = np.array(names, str).reshape(labels.shape)
    if labels.dtype.kind in "bf" and _are_integers(labels):
        labels = labels.astype("int64")
    if labels.ndim == 2 and not _is_one_hot(labels):
        raise DataError(
            f"The labels of {where} must be one integer for each image, from "
            f"0 up, or one-hot rows. They are {labels.dtype} of shape "
            f"{labels.shape}."
        )
    return labels.astype("int64") if labels.dtype.kind in "iu" else labels


def _of_one_type(labels):
    """Returns objects as an array of strings, or of integers, if all are."""
    decoded = [
        each.decode("utf-8", "surrogateescape")
        if isinstance(each, bytes)
        else each
        for each in labels.ravel()
    ]
    kinds = {
        str if isinstance(each, str) else type(scalar(each)) for each in decoded
    }
    if kinds in ({str}, {int}):
        return np.array(decoded).reshape(labels.shape)
    return labels


def _are_integers(labels):
    are_whole = np.isfinite(labels).all() and (labels == np.rint(labels)).all()
    return bool(are_whole) and (np.abs(labels) < 2**53).all()


def _is_one_hot(labels):
    if labels.dtype.kind not in "iu":
        return False
    binary = np.isin(labels, (0, 1)).all()
    return bool(binary) and (labels.sum(axis=1) == 1).all()


def _are_strings(labels):
    return labels.ndim == 1 and labels.dtype.kind == "U"


def _positions(labels, class_names, where):
    names = [compose_accents(str(name)) for name in class_names]
    numbers = {name: number for number, name in enumerate(names)}
    unknown = sorted({*labels.tolist()} - numbers.keys())
    if unknown:
        raise DataError(
            f"The labels of {where} must be among the classes "
            f"{shorten([*numbers])}. One of them is {unknown[0]!r}."
        )
    return np.array([numbers[label] for label in labels.tolist()], "int64")
