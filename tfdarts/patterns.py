"""Paths as patterns, like in a shell, and literal paths for TensorFlow."""

import contextlib
import glob
import os
import pathlib
import tempfile

TENSORFLOW_PATTERN = {"[", "\\"} - {os.sep}
"""Characters in a path that keep TensorFlow from finding the path."""


@contextlib.contextmanager
def literal_path(directory):
    """Yields a path from which TensorFlow can read a directory of any name.

    TensorFlow interprets the path of a checkpoint or a SavedModel as a
    pattern when it reads variables: `lr=[0.1]` matches `lr=0` and not itself.
    For a path with such characters, the function yields the path of a
    temporary symbolic link. Writing needs no link.

    Args:
        directory: Path of an existing directory.

    Raises:
        ValueError: If no directory can hold the link.
    """
    if not TENSORFLOW_PATTERN & {*str(directory)}:
        yield str(directory)
        return
    with tempfile.TemporaryDirectory(dir=_directory_for_links()) as place:
        link = os.path.join(place, "link")
        os.symlink(os.path.abspath(directory), link, target_is_directory=True)
        yield link


def _directory_for_links():
    for place in ("/tmp", "/var/tmp"):
        if os.access(place, os.W_OK):
            return place
    require_plain_temporary_directory()
    return tempfile.gettempdir()


def require_plain_temporary_directory():
    """Raises `ValueError` if TensorFlow would read `TMPDIR` as a pattern."""
    directory = tempfile.gettempdir()
    if TENSORFLOW_PATTERN & {*directory}:
        raise ValueError(
            "TensorFlow would read the path of the directory of temporary "
            f"files, {directory}, as a pattern: set TMPDIR to a directory "
            "without [ or \\ in its path."
        )


def find_matches(pattern):
    """Returns the paths that match a pattern, sorted; `*` as in a shell.

    An existing path is literal, even with `[` or `*` in its name, and so is an
    existing directory at the beginning of a pattern.

    Args:
        pattern: Path; `**` stands for any directories.

    Returns:
        List of strings, empty if nothing matches.
    """
    if os.path.lexists(pattern):
        return [str(pattern)]
    path = pathlib.Path(pattern)
    root = next((p for p in path.parents if os.path.isdir(p)), None)
    if root is None:
        return []
    escaped = pathlib.Path(glob.escape(str(root)), path.relative_to(root))
    return sorted(glob.glob(str(escaped), recursive=True))


def split_paths(text):
    """Returns the paths and patterns of a comma-separated list.

    An existing path, or a pattern with matches, may contain commas.

    Args:
        text: String.

    Example:

    >>> split_paths("runs/a, runs/b")
    ['runs/a', 'runs/b']
    """
    paths, parts = [], text.split(",")
    while parts:
        lengths = range(len(parts), 1, -1)
        joined = ((n, ",".join(parts[:n]).strip()) for n in lengths)
        count, path = next(
            ((n, path) for n, path in joined if _has_matches(path)),
            (1, parts[0].strip()),
        )
        paths += [path] if path else []
        del parts[:count]
    return paths


def _has_matches(path):
    # Most paths are not patterns, and this check is cheaper.
    return os.path.lexists(path) or (
        glob.has_magic(path) and bool(find_matches(path))
    )
