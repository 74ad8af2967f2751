"""Data sets in IDX, the file format of MNIST."""

import contextlib
import gzip
import hashlib
import math
import pathlib
import re
import struct
import zlib

import numpy as np

from tfdarts.data.directories import list_entries
from tfdarts.data.directories import unreadable_error
from tfdarts.data.image_source import DataError
from tfdarts.data.image_source import ImageSource
from tfdarts.data.image_source import check_labels
from tfdarts.data.image_source import check_no_class_is_empty
from tfdarts.data.image_source import fingerprint
from tfdarts.data.splits import split_off_test

_PREFIXES = {"train": "train", "test": "(t10k|test)"}
_CLASS_FILES = ("labels.txt", "classes.txt", "class_names.txt")
_UNSIGNED_BYTES = 0x08
# The meaning of the number of dimensions.
_IMAGES = {3: "images, height, width", 4: "images, height, width, channels"}
_LABELS = {1: "one integer for each image"}


def open_idx(directory):
    """Returns the data set of a directory of IDX files.

    The files have their usual names: `train-images-idx3-ubyte`,
    `train-labels-idx1-ubyte`, and the same with `t10k` or `test`, with or
    without `.gz`. The class names are the lines of `labels.txt`,
    `classes.txt` or `class_names.txt` if it exists, else the numbers.

    Args:
        directory: Path.

    Raises:
        DataError: If files are missing or have another format.

    Reference:

    - [LeCun et al., 1998](https://doi.org/10.1109/5.726791)
    """
    directory = pathlib.Path(directory).expanduser().resolve()
    name = f"idx:{directory}"
    files = _find_files(directory)
    labels = {split: _read(pair[1], _LABELS) for split, pair in files.items()}
    shapes = {split: _read_shape(pair[0]) for split, pair in files.items()}
    image_shapes = {shape[1:] for shape in shapes.values()}
    if len(image_shapes) > 1:
        raise DataError(
            f"The training and the test images in {directory} must have one "
            f"shape. They have {' and '.join(map(str, sorted(image_shapes)))}."
        )
    class_names = _class_names(directory, labels["train"])
    for split, shape in shapes.items():
        where = f"the {split} split of {name}"
        check_labels(labels[split], shape[0], len(class_names), where)
    check_no_class_is_empty(
        labels["train"], class_names, f"the train split of {name}"
    )

    def load(split):
        images = _read(files[split][0], _IMAGES)
        # Gray images have no channel axis in this format.
        images = images.reshape(*images.shape[:3], -1)
        return images, labels[split].astype("int64")

    source = ImageSource(
        name,
        class_names,
        (*image_shapes.pop(), 1)[:3],
        {split: shape[0] for split, shape in shapes.items()},
        load,
        fingerprint=fingerprint(
            (class_names, [*files]),
            (_digest(files["train"][0]), labels["train"]),
        ),
    )
    if "test" not in files:
        source = split_off_test(source, labels["train"])
    return source


def _find_files(directory):
    """Returns the paths of images and labels of each split."""
    paths = list_entries(directory)
    files = {}
    for split, prefix in _PREFIXES.items():
        pair = [
            _find(paths, rf"{prefix}-images[-.]idx[34]-ubyte(\.gz)?"),
            _find(paths, rf"{prefix}-labels[-.]idx1-ubyte(\.gz)?"),
        ]
        if any(pair) or split == "train":
            files[split] = pair
    if not all(map(all, files.values())):
        found = [path.name for pair in files.values() for path in pair if path]
        raise DataError(
            f"{directory} must have train-images-idx3-ubyte and "
            "train-labels-idx1-ubyte. For a test split it must have both "
            "t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte. Each name may "
            f"end in .gz. Found: {', '.join(found) or 'none of them'}."
        )
    return files


def _find(paths, pattern):
    """Returns the first matching path, preferably without `.gz`."""
    for path in paths:
        if re.fullmatch(pattern, path.name):
            return path
    return None


def _class_names(directory, labels):
    for name in _CLASS_FILES:
        if (directory / name).exists():
            lines = map(str.strip, _read_text(directory / name).splitlines())
            if names := tuple(filter(None, lines)):
                return names
    return tuple(map(str, range(int(labels.max(initial=0)) + 1)))


def _read_text(path):
    with _open(path) as file:
        try:
            return file.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path} is not UTF-8 text: save it as UTF-8."
            ) from error


def _read_shape(path):
    with _open(path) as file:
        return _header(file, path, _IMAGES)


def _read(path, dimensions):
    """Returns the array in a file."""
    with _open(path) as file:
        shape = _header(file, path, dimensions)
        values = np.frombuffer(file.read(), "uint8")
    if len(values) != math.prod(shape):
        raise DataError(
            f"{path} must hold {math.prod(shape):,} values, as its header "
            f"says. It holds {len(values):,}: get the file again."
        )
    return values.reshape(shape)


@contextlib.contextmanager
def _open(path):
    try:
        if not path.is_file():  # Reading a pipe would block.
            raise DataError(f"{path} must be a file, but is something else.")
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            yield file
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable_error(path, error) from error


def _header(file, path, dimensions):
    """Reads the shape from the header of a file."""
    start = file.read(4)
    if len(start) == 4 and start[:3] == bytes([0, 0, _UNSIGNED_BYTES]):
        _check_dimensions(start[3], dimensions, path)
        sizes = file.read(4 * start[3])
        if len(sizes) == 4 * start[3]:
            return struct.unpack(f">{start[3]}I", sizes)
    raise DataError(f"{path} is not an IDX file of unsigned bytes.")


def _check_dimensions(number, dimensions, path):
    if number not in dimensions:
        wanted = " or ".join(f"{n} ({what})" for n, what in dimensions.items())
        raise DataError(
            f"{path} must have {wanted} dimensions. Its header says {number}."
        )


def _digest(path):
    with _open(path) as file:
        return hashlib.file_digest(file, "sha256").digest()
