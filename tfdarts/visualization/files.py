"""Writing a picture whole or not at all."""

import os


def write(path, content):
    """Writes bytes to a file, which readers never see half written.

    Args:
        path: `pathlib.Path` of the file. Its folder exists.
        content: Bytes.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
