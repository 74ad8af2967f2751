"""Arguments from Python, brought into the form that the code works with.

Every setting and every public function takes paths, numbers and sequences
through these functions, so that Python's users and the command line's meet
the same rules.
"""

import numbers
import os
import pathlib
from collections.abc import Mapping

from tfdarts.patterns import separated

_LOCATED = ("folder", "idx", "text")
"""Kinds of data sets whose specification holds a path."""


def scalar(value):
    """Returns a Python scalar for one of NumPy, TensorFlow or Keras.

    Args:
        value: Anything. What is no scalar with a `shape` is returned as it
            is.

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
        value: String, `os.PathLike` or `None`, which is returned as it is.
        name: String, what the argument is called in an error.

    Raises:
        ValueError: If it is something else.
    """
    if value is None:
        return None
    value = scalar(value)
    path = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(path, str):
        raise _no_path(value, name)
    return os.path.expanduser(path)


def as_path(value, name="path"):
    """Returns a path as a `pathlib.Path`; see `path_text`.

    Raises:
        ValueError: If it is something else, `None` among it.
    """
    if value is None:
        raise _no_path(value, name)
    return pathlib.Path(path_text(value, name))


def _no_path(value, name):
    return ValueError(
        f"{name} must be a path: a string or a pathlib.Path. Received: "
        f"{value!r}."
    )


def items(value):
    """Returns a list of what an argument holds.

    One string, one path and whatever cannot be iterated over are one item;
    all else is a sequence of items.

    Raises:
        ValueError: If it is a set or a dict, whose order means nothing.

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
            f"A {type(value).__name__} is no sequence: give a list, in the "
            f"order that counts. Received: {value!r}."
        )
    return list(value)


def split(text):
    """Returns what stands between the commas of a flag, as a list.

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
        name: String, what the argument is called in an error.

    Raises:
        ValueError: If there is anything but strings.
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
            of paths. A string that is the path of something that exists is
            one path, whatever commas are in it.
        name: String, what the argument is called in an error.

    Raises:
        ValueError: If there is anything but paths.
    """
    if isinstance(value, str):
        value = separated(path_text(value))
    found = tuple(path_text(each, name) for each in items(value))
    if None in found:
        raise _no_path(value, name)
    return found


def seeds(value, name="--seeds"):
    """Returns the seeds that a flag or a sequence lists, as a list.

    Args:
        value: String of integers with commas between them, an integer, or a
            sequence of integers.
        name: String, what the argument is called in an error.

    Raises:
        ValueError: If they are no different integers from 0 to 2**32 - 1.

    Example:

    >>> seeds("0,1,2"), seeds(range(2)), seeds(3)
    ([0, 1, 2], [0, 1], [3])
    """
    listed = value.split(",") if isinstance(value, str) else items(value)
    found = [_seed(each) for each in listed]
    if not found or None in found or len({*found}) < len(found):
        raise ValueError(
            f"{name} must be different integers below 2**32 with commas "
            f"between them, as 0,1,2. Received: {value!r}."
        )
    return found


def _seed(value):
    """Returns one seed as an integer, or `None` where it is none."""
    value = scalar(value)
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    return value if type(value) is int and 0 <= value < 2**32 else None


def specification(value, name="--dataset"):
    """Returns the specification of a data set, with `~` as home directory.

    Args:
        value: String; or a path, which stands for `text:<path>` where it is a
            file or a directory with a `train.txt`, and otherwise for
            `folder:<path>`. Anything else is returned as it is.
        name: String, what the argument is called in an error.
    """
    value = scalar(value)
    if isinstance(value, os.PathLike):
        path = as_path(value, name)
        is_text = path.is_file() or (path / "train.txt").exists()
        return f"{'text' if is_text else 'folder'}:{path}"
    if isinstance(value, str):
        kind, separator, rest = value.partition(":")
        if kind in _LOCATED:
            return kind + separator + path_text(rest)
    return value
