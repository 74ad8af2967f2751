"""Conversion of arguments to plain Python values.

Every setting and every public function converts paths, numbers and sequences
with these functions, so that Python and the command line have the same rules.
"""

import numbers
import os
import pathlib
from collections.abc import Mapping

from tfdarts.patterns import split_paths


def scalar(value):
    """Returns a NumPy, TensorFlow or Keras scalar as a Python scalar.

    Args:
        value: Any object. Objects without the `shape` of a scalar are
            returned unchanged.

    Example:

    >>> import numpy as np
    >>> scalar(np.arange(3).max() + 1), scalar(np.float32(0.5)), scalar([1])
    (3, 0.5, [1])
    """
    if getattr(value, "shape", None) != ():
        return value
    if hasattr(value, "numpy"):
        value = value.numpy()
    if hasattr(value, "item"):
        value = value.item()
    wide = isinstance(value, numbers.Real) and not isinstance(value, int)
    return float(value) if wide else value


def path_text(value, name="path"):
    """Returns a path as a string, with `~` as the home directory.

    Args:
        value: String or `os.PathLike`. `None` is returned unchanged.
        name: String, the name of the argument in errors.

    Raises:
        ValueError: If the value is not a path.
    """
    if value is None:
        return None
    value = scalar(value)
    path = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(path, str):
        raise _path_error(value, name)
    return os.path.expanduser(path)


def as_path(value, name="path"):
    """Returns a path as a `pathlib.Path`; see `path_text`.

    Raises:
        ValueError: If the value is not a path, also if it is `None`.
    """
    if value is None:
        raise _path_error(value, name)
    return pathlib.Path(path_text(value, name))


def _path_error(value, name):
    return ValueError(
        f"{name} must be a path: a string or a pathlib.Path. Received: "
        f"{value!r}."
    )


def items(value):
    """Returns the items of an argument as a list.

    A string, a path and a value that is not iterable are one item; other
    values are sequences of items.

    Raises:
        ValueError: If the argument is a set or a dict, which has no order.

    Example:

    >>> items("new/*.png"), items(pathlib.PurePosixPath("new")), items((1, 2))
    (['new/*.png'], [PurePosixPath('new')], [1, 2])
    """
    value = scalar(value)
    single = isinstance(value, str | bytes | os.PathLike)
    if single or not hasattr(value, "__iter__"):
        return [value]
    if isinstance(value, set | frozenset | Mapping):
        raise ValueError(
            f"A {type(value).__name__} has no order: give a list, in the "
            f"order that you mean. Received: {value!r}."
        )
    return list(value)


def split(text):
    """Returns the parts of a flag between commas, as a list.

    Example:

    >>> split("saved_model, onnx,")
    ['saved_model', 'onnx']
    """
    parts = [part.strip() for part in text.split(",")]
    return [part for part in parts if part]


def names(value, name):
    """Returns the names that a flag or a sequence lists, as a tuple.

    Args:
        value: String, with commas between several names, or a sequence of
            strings.
        name: String, the name of the argument in errors.

    Raises:
        ValueError: If an item is not a string.
    """
    if isinstance(value, str):
        return tuple(split(value))
    listed = tuple(map(scalar, items(value)))
    if not all(isinstance(each, str) for each in listed):
        raise ValueError(f"{name} must be strings. Received: {value!r}.")
    return listed


def paths(value, name):
    """Returns the paths that a flag or a sequence lists, as a tuple.

    Args:
        value: Path, string with commas between several paths, or a sequence
            of paths. A string that is an existing path is one path, even with
            commas.
        name: String, the name of the argument in errors.

    Raises:
        ValueError: If an item is not a path.
    """
    if isinstance(value, str):
        value = split_paths(path_text(value))
    found = tuple(path_text(each, name) for each in items(value))
    if None in found:
        raise _path_error(value, name)
    return found


def seeds(value, name="--seeds"):
    """Returns the seeds that a flag or a sequence lists, as a list.

    Args:
        value: String of integers with commas between them, an integer, or a
            sequence of integers.
        name: String, the name of the argument in errors.

    Raises:
        ValueError: If the seeds are not different integers from 0 to
            2**32 - 1.

    Example:

    >>> seeds("0,1,2"), seeds(range(2)), seeds(3)
    ([0, 1, 2], [0, 1], [3])
    """
    listed = value.split(",") if isinstance(value, str) else items(value)
    found = [_seed(each) for each in listed]
    if not found or None in found or len({*found}) < len(found):
        raise ValueError(
            f"{name} must be different integers from 0 to 2**32 - 1, "
            f"separated by commas, such as 0,1,2. Received: {value!r}."
        )
    return found


def _seed(value):
    """Returns a seed as an integer, or `None` if the value is not a seed."""
    value = scalar(value)
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    return value if type(value) is int and 0 <= value < 2**32 else None


def specification(value):
    """Returns the specification of a data set, with `~` as home directory.

    Args:
        value: String; other values are returned unchanged.

    Example:

    >>> specification("digits"), specification(3)
    ('digits', 3)
    """
    value = scalar(value)
    if not isinstance(value, str):
        return value
    kind, separator, path = value.partition(":")
    return kind + separator + os.path.expanduser(path)


_UNITS = {"k": 1e3, "M": 1e6, "G": 1e9}


def amount(value, name):
    """Returns a number of many things as an integer.

    Args:
        value: Number, or a string that may end with `k`, `M` or `G`. `None`
            is returned unchanged.
        name: String, the name of the argument in errors.

    Raises:
        ValueError: If the value is no positive number.

    Example:

    >>> amount("500k", "n"), amount("1.5M", "n"), amount(2000, "n")
    (500000, 1500000, 2000)
    """
    if value is None:
        return None
    value = scalar(value)
    number, factor = value, 1
    if isinstance(value, str) and value[-1:] in _UNITS:
        number, factor = value[:-1], _UNITS[value[-1]]
    try:
        found = float("nan" if isinstance(number, bool) else number) * factor
    except (TypeError, ValueError):
        found = float("nan")
    if not 1 <= found < float("inf"):
        raise ValueError(
            f"{name} must be a positive number, such as 500000, 500k or 50M. "
            f"Received: {value!r}."
        )
    return round(found)
