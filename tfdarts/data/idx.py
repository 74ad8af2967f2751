"""Data sets in MNIST's file format, IDX."""

import contextlib
import gzip
import hashlib
import math
import pathlib
import re
import struct
import zlib

import numpy as np

from tfdarts.data.held_out import set_test_aside
from tfdarts.data.image_source import DataError
from tfdarts.data.image_source import ImageSource
from tfdarts.data.image_source import check_labels

_PREFIXES = {"train": "train", "test": "(t10k|test)"}
_CLASS_FILES = ("labels.txt", "classes.txt", "class_names.txt")
_UNSIGNED_BYTES = 0x08


def open_idx(directory):
    """Returns the data set of a directory of IDX files.

    The files have their usual names: `train-images-idx3-ubyte`,
    `train-labels-idx1-ubyte`, and the same with `t10k` or `test`, as they
    are or with `.gz`. The names of the classes are the lines of `labels.txt`,
    `classes.txt` or `class_names.txt` if there is one, else the numbers.

    Args:
        directory: Path.

    Raises:
        DataError: If files are missing, or hold something else.

    Reference:

    - [LeCun et al., 1998](https://doi.org/10.1109/5.726791)
    """
    directory = pathlib.Path(directory).expanduser().resolve()
    name = f"idx:{directory}"
    files = _find_files(directory)
    labels = {split: _read(pair[1]) for split, pair in files.items()}
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

    def load(split):
        images = _read(files[split][0])
        # Grey images have no axis of channels in this format.
        images = images.reshape(*images.shape[:3], -1)
        return images, labels[split].astype("int64")

    source = ImageSource(
        name,
        class_names,
        (*image_shapes.pop(), 1)[:3],
        {split: shape[0] for split, shape in shapes.items()},
        load,
        fingerprint=_fingerprint(files, labels),
    )
    if "test" not in files:
        source = set_test_aside(source, labels["train"])
    return source


def _find_files(directory):
    """Returns the two files, images and labels, of each split."""
    if not directory.is_dir():
        raise DataError(f"There is no directory {directory}.")
    files = {}
    for split, prefix in _PREFIXES.items():
        pair = [
            _find(directory, rf"{prefix}-images[-.]idx[34]-ubyte(\.gz)?"),
            _find(directory, rf"{prefix}-labels[-.]idx1-ubyte(\.gz)?"),
        ]
        if any(pair) or split == "train":
            files[split] = pair
    if not all(map(all, files.values())):
        found = [path.name for pair in files.values() for path in pair if path]
        raise DataError(
            f"{directory} must have train-images-idx3-ubyte and "
            f"train-labels-idx1-ubyte, and for the test both or none of "
            f"t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, each as it "
            f"is or with .gz. There is {', '.join(found) or 'none of them'}."
        )
    return files


def _find(directory, pattern):
    """Returns the first file, which is one without `.gz` if there is one."""
    for path in sorted(directory.iterdir()):
        if re.fullmatch(pattern, path.name):
            return path
    return None


def _class_names(directory, labels):
    for name in _CLASS_FILES:
        if (directory / name).exists():
            lines = (directory / name).read_text().splitlines()
            return tuple(line.strip() for line in lines if line.strip())
    return tuple(map(str, range(int(labels.max(initial=0)) + 1)))


def _read_shape(path):
    with _opened(path) as file:
        return _header(file, path)


def _read(path):
    """Returns the array that a file holds."""
    with _opened(path) as file:
        shape = _header(file, path)
        values = np.frombuffer(file.read(), "uint8")
    if len(values) != math.prod(shape):
        raise DataError(
            f"{path} must hold {math.prod(shape):,} values, by what it says "
            f"at its start. It holds {len(values):,}."
        )
    return values.reshape(shape)


@contextlib.contextmanager
def _opened(path):
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            yield file
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}.") from error


def _header(file, path):
    """Reads the shape, which stands before the values."""
    start = file.read(4)
    if len(start) == 4 and start[:3] == bytes([0, 0, _UNSIGNED_BYTES]):
        sizes = file.read(4 * start[3])
        if len(sizes) == 4 * start[3]:
            return struct.unpack(f">{start[3]}I", sizes)
    raise DataError(f"{path} is no IDX file of unsigned bytes.")


def _fingerprint(files, labels):
    digest = hashlib.sha256()
    for split, pair in files.items():
        digest.update(f"{split} {pair[0].stat().st_size}".encode())
        digest.update(labels[split])
    return digest.hexdigest()[:12]
