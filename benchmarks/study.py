"""The results of a study, one JSON line for each run, and locks of runs."""

import contextlib
import json

import filelock


def read_rows(path):
    """Returns the rows of a file of results, a list of dicts.

    A file that does not exist has no rows.

    Args:
        path: Path.
    """
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def append_row(path, row):
    """Appends a row to a file of results, in one write.

    Args:
        path: Path.
        row: Dict that JSON can hold.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(row) + "\n")


@contextlib.contextmanager
def lock_run(directory, name):
    """Locks a run against other processes; gives whether it was free.

    Args:
        directory: Path of the lock files.
        name: String, the run.
    """
    directory.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(directory / f"{name}.lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
