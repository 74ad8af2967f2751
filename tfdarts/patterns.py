"""Paths that are meant literally, and paths that are patterns."""

import contextlib
import glob
import os
import pathlib
import tempfile

TENSORFLOW_PATTERN = {"[", "\\"} - {os.sep}
"""Characters that keep TensorFlow from finding a path that has them."""


@contextlib.contextmanager
def literal(directory):
    """Yields a path by which TensorFlow finds a directory, whatever its name.

    TensorFlow reads the variables of a checkpoint or a SavedModel by a
    pattern: `lr=[0.1]` matches `lr=0` and not itself. Where the path has such
    characters, the path of a temporary symbolic link to the directory takes
    its place. Writing needs no link.

    Args:
        directory: Path of an existing directory.

    Raises:
        ValueError: If there is no place for the link.
    """
    if not TENSORFLOW_PATTERN & {*str(directory)}:
        yield str(directory)
        return
    with tempfile.TemporaryDirectory(dir=_place_of_links()) as place:
        link = os.path.join(place, "link")
        os.symlink(os.path.abspath(directory), link, target_is_directory=True)
        yield link


def _place_of_links():
    for place in ("/tmp", "/var/tmp"):
        if os.access(place, os.W_OK):
            return place
    require_plain_temporary_directory()
    return tempfile.gettempdir()


def require_plain_temporary_directory():
    """Raises `ValueError` where TensorFlow takes `TMPDIR` for a pattern."""
    directory = tempfile.gettempdir()
    if TENSORFLOW_PATTERN & {*directory}:
        raise ValueError(
            f"TensorFlow takes the directory of temporary files, {directory}, "
            f"for a pattern: set TMPDIR to one without [ or \\ in its path."
        )


def matching(pattern):
    """Returns the paths that match a pattern, sorted; `*` as in a shell.

    What exists is meant literally: a path with `[` or `*` in its name, and
    the directory at the beginning of a pattern.

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


def separated(text):
    """Returns the paths and patterns in a list with commas between them.

    A path that exists, or a pattern that something matches, may have commas.

    Args:
        text: String.

    Example:

    >>> separated("runs/a, runs/b")
    ['runs/a', 'runs/b']
    """
    paths, parts = [], text.split(",")
    while parts:
        lengths = range(len(parts), 1, -1)
        joined = ((n, ",".join(parts[:n]).strip()) for n in lengths)
        count, path = next(
            ((n, path) for n, path in joined if _leads_somewhere(path)),
            (1, parts[0].strip()),
        )
        paths += [path] if path else []
        del parts[:count]
    return paths


def _leads_somewhere(path):
    # Most paths are no patterns, which takes less time to find out.
    return os.path.lexists(path) or (
        glob.has_magic(path) and bool(matching(path))
    )
