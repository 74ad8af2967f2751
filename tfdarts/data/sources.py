"""Data sets by their `--dataset` specification."""

import dataclasses
import pathlib
import re

from tfdarts.data import digits
from tfdarts.data import folder
from tfdarts.data import idx
from tfdarts.data import tfds
from tfdarts.data.arrays import from_arrays
from tfdarts.data.arrays import from_dataset
from tfdarts.data.image_source import DataError
from tfdarts.data.image_source import ImageSource
from tfdarts.data.pixels import collected
from tfdarts.data.resizing import resize
from tfdarts.signs import composed

__all__ = [
    "DataError",
    "ImageSource",
    "directory_name",
    "from_arrays",
    "from_dataset",
    "open_source",
]


def open_source(spec, image_size=0, prepare=False, image_fit="stretch"):
    """Returns the data set of a specification.

    No image is decoded yet: what is read of it are names, sizes and counts,
    and the bytes that make its fingerprint.

    Args:
        spec: String, one of these, or an `ImageSource`, which is what
            `from_arrays` and `from_dataset` return:

            - `"digits"`: the 1,797 handwritten digits of scikit-learn, 8x8
              enlarged to 16x16.
            - `"tfds:<name>"`: an image classification set of TensorFlow
              Datasets, such as `tfds:cifar10`.
            - `"idx:<directory>"`: files of MNIST's format.
            - `"folder:<directory>"`: image files, one folder a class.
        image_size: Integer. Images become squares of this size; `0` leaves
            them as they are.
        prepare: Boolean, whether a TensorFlow data set that is not there may
            be downloaded.
        image_fit: `"stretch"` or `"crop"`, how images become squares; see
            `tfdarts.data.resizing.resize`.

    Raises:
        DataError: If there is no such data set, or it cannot be used.
    """
    if isinstance(spec, ImageSource):
        return _resized(spec, image_size, image_fit)
    match spec.split(":", 1):
        case ["digits"]:
            source = digits.open_digits()
        case ["tfds", name] if name:
            source = tfds.open_tfds(name, image_size, prepare, image_fit)
        case ["idx", directory] if directory:
            source = idx.open_idx(directory)
        case ["folder", directory] if directory:
            source = folder.open_folder(directory, image_size, image_fit)
        case ["pydoc"] | ["text" | "lines", _]:
            raise DataError(
                f"{spec} is a text, and images are needed here: for texts "
                f"there are the settings of tfdarts.runs.rnn_configs."
            )
        case ["arrays", _]:
            raise DataError(
                f"{spec} was given from Python as arrays, which nothing can "
                f"open again by name: pass the same source as `dataset`."
            )
        case _:
            raise DataError(
                f"There is no data set {spec!r}. The data sets are: digits, "
                f"tfds:<name>, idx:<directory>, folder:<directory>; of texts "
                f"pydoc, text:<file> and text:<directory>."
                f"{_did_you_mean(spec)}"
            )
    return _resized(source, image_size, image_fit)


def directory_name(dataset):
    """Returns what to call a directory made for a data set.

    Args:
        dataset: Specification, `ImageSource` or `TextSource`.

    Example:

    >>> directory_name("folder:/home/me/My flowers/")
    'My-flowers'
    >>> directory_name("tfds:imagenet_resized/32x32")
    'imagenet_resized-32x32'
    """
    spec = dataset if isinstance(dataset, str) else dataset.name
    kind, _, name = spec.partition(":")
    if kind in ("folder", "idx", "text"):
        path = pathlib.Path(name).expanduser().resolve()
        name = path.stem if kind == "text" else path.name
    return (
        re.sub(r"[^\w.-]+", "-", composed(name or kind)).strip("-.") or "images"
    )


def _did_you_mean(spec):
    path = pathlib.Path(spec)
    if not spec or not path.exists():
        return ""
    of_text = path.is_file() or (path / "train.txt").exists()
    return f" Did you mean {'text' if of_text else 'folder'}:{spec}?"


def _resized(source, size, fit):
    height, width, channels = source.image_shape
    if not size or (height, width) == (size, size):
        return source

    def load(split):
        images, labels = source.load(split)
        resized = (resize(image, size, fit) for image in images)
        shape = (size, size, images.shape[-1])
        return collected(resized, len(images), shape), labels

    return dataclasses.replace(
        source,
        image_shape=(size, size, channels),
        load=load,
        notes=(
            *source.notes,
            f"Images are resized from {height}x{width} to {size}x{size}.",
        ),
    )
