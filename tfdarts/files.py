"""Atomic writing of files."""

import os
import pathlib


def write_atomically(path, content, durable=True):
    """Writes text or bytes atomically: readers never see a partial file.

    Args:
        path: Path of the file. The directory must exist.
        content: String or bytes.
        durable: Boolean, whether the file must also survive a power cut.
            Defaults to `True`, which takes some milliseconds.
    """
    path = pathlib.Path(path)
    content = content.encode() if isinstance(content, str) else content
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            if durable:
                # Otherwise a power cut could leave the name without content.
                os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        if error.errno:
            raise type(error)(error.errno, error.strerror, str(path)) from error
        raise
    finally:
        partial.unlink(missing_ok=True)
