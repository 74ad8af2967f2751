"""Files that are written whole or not at all."""

import os
import pathlib


def write_atomically(path, content):
    """Writes text or bytes so that a reader never sees half of them.

    Args:
        path: Path of the file. Its directory exists.
        content: String or bytes.
    """
    path = pathlib.Path(path)
    content = content.encode() if isinstance(content, str) else content
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            # Or a power cut could leave the new name without the content.
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        if error.errno:
            raise type(error)(error.errno, error.strerror, str(path)) from error
        raise
    finally:
        partial.unlink(missing_ok=True)
