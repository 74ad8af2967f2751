"""Reading directories, for all data sets in files."""

from tfdarts.data.image_source import DataError


def list_entries(directory):
    """Returns the paths of a directory's entries, sorted.

    Args:
        directory: `pathlib.Path`.

    Raises:
        DataError: If there is no such directory, or it cannot be read.
    """
    try:
        return sorted(directory.iterdir())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError(f"There is no directory {directory}.") from error
    except OSError as error:
        raise unreadable_error(directory, error) from error


def unreadable_error(path, error):
    """Returns the `DataError` for a path that cannot be read.

    Args:
        path: Path.
        error: Exception, the reason.
    """
    if isinstance(error, PermissionError):
        return DataError(
            f"{path} cannot be read: permission is denied. Ask for access, or "
            "copy the data to a directory that you can read."
        )
    reason = getattr(error, "strerror", None) or error
    return DataError(f"{path} cannot be read: {reason}.")
