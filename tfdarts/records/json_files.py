"""JSON files of a run, and the error for damaged files."""

import contextlib
import json
import pathlib
import zipfile

from tfdarts.files import write_atomically


def write_json(path, value):
    """Writes a value as indented JSON, atomically."""
    write_atomically(path, json.dumps(value, indent=2) + "\n")


def read_json(path):
    """Returns the value in a JSON file.

    Raises:
        ValueError: If the file holds no JSON.
    """
    path = pathlib.Path(path)
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise damage_error(path) from error


@contextlib.contextmanager
def report_damage(path):
    """Converts errors while reading damaged files into one `ValueError`.

    Args:
        path: Path of the file or directory that is read inside.

    Raises:
        ValueError: If a file is missing or damaged.
    """
    try:
        yield
    except PermissionError:
        raise
    except (OSError, LookupError, ValueError, zipfile.BadZipFile) as error:
        raise damage_error(path, f": {error}") from error


def damage_error(path, why=""):
    return ValueError(
        f"{path} is damaged{why.rstrip('.')}. Restore an intact copy of it, "
        "or start over in another --run_dir."
    )
