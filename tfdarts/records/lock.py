"""A lock against a second process that writes to the same directory."""

import contextlib

import filelock


@contextlib.contextmanager
def hold_lock(path, flag, seconds=0):
    """Holds a lock file, so that no other process writes to a directory.

    Args:
        path: Path of the lock file, in the directory.
        flag: String, the flag that names another directory.
        seconds: Number, how long to wait for another process.

    Raises:
        ValueError: If another process holds the lock.
    """
    lock = filelock.FileLock(path)
    try:
        lock.acquire(timeout=seconds)
    except filelock.Timeout as error:
        raise ValueError(
            f"Another process is writing to {path.parent}. Wait until that "
            f"process has finished, or give another {flag}."
        ) from error
    try:
        yield
    finally:
        lock.release()
