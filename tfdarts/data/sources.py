"""Data sets by their `--dataset` specification."""

import dataclasses

import numpy as np
import tensorflow as tf

from tfdarts.arguments import specification
from tfdarts.data import digits
from tfdarts.data import folder
from tfdarts.data import idx
from tfdarts.data import tfds
from tfdarts.data.arrays import from_arrays
from tfdarts.data.arrays import from_dataset
from tfdarts.data.image_source import DataError
from tfdarts.data.image_source import ImageSource
from tfdarts.data.pixels import collect_images
from tfdarts.decoding import resize

__all__ = [
    "DataError",
    "ImageSource",
    "from_arrays",
    "from_dataset",
    "open_source",
    "source_of",
]


def open_source(
    spec, image_size=0, prepare=False, image_fit="stretch", skip_broken=False
):
    """Returns the data set of a specification.

    No image is decoded yet. Only names, sizes, counts and the bytes for the
    fingerprint are read.

    Args:
        spec: An argument of `source_of`, or one of these strings:

            - `"digits"`: the 1,797 handwritten digits of scikit-learn, 8x8
              enlarged to 16x16.
            - `"tfds:<name>"`: an image classification set of TensorFlow
              Datasets, such as `tfds:cifar10`.
            - `"idx:<directory>"`: files in MNIST's format.
            - `"folder:<directory>"`: image files, one folder per class.
        image_size: Integer. Images become squares of this size; `0` leaves
            them unchanged.
        prepare: Boolean, whether a missing TensorFlow data set may be
            downloaded.
        image_fit: `"stretch"` or `"crop"`, how images become squares; see
            `tfdarts.decoding.resize`.
        skip_broken: Boolean, whether unusable files of a
            `"folder:<directory>"` are left out.

    Raises:
        DataError: If the data set does not exist or cannot be used.
    """
    spec = specification(spec)
    if not isinstance(spec, str):
        return _resize_source(source_of(spec), image_size, image_fit)
    match spec.split(":", 1):
        case ["digits"]:
            source = digits.open_digits()
        case ["tfds", name] if name:
            source = tfds.open_tfds(name, image_size, prepare, image_fit)
        case ["idx", directory] if directory:
            source = idx.open_idx(directory)
        case ["folder", directory] if directory:
            source = folder.open_folder(
                directory, image_size, image_fit, skip_broken
            )
        case ["arrays", _]:
            raise DataError(
                f"{spec} was given as arrays in Python, so tfdarts cannot "
                "open it by name: pass the same source as `dataset`."
            )
        case _:
            raise DataError(
                f"There is no data set {spec!r}. The data sets of images are: "
                "digits, tfds:<name>, idx:<directory>, folder:<directory>."
            )
    return _resize_source(source, image_size, image_fit)


def source_of(dataset, validation=None, test=None):
    """Returns images given in Python as an `ImageSource`.

    Args:
        dataset: `ImageSource`, such as the result of `from_arrays` and
            `from_dataset`; a tuple `(images, labels)` of arrays, the training
            examples, see `from_arrays`; or a `tf.data.Dataset` of such pairs,
            see `from_dataset`.
        validation: Arrays or a `tf.data.Dataset`, the validation examples, or
            `None`.
        test: Like `validation`, the test examples. By default a fifth of the
            training examples.

    Raises:
        DataError: If `dataset` is none of these, or holds no images with
            labels.
    """
    splits = {"validation": validation, "test": test}
    if isinstance(dataset, str | ImageSource):
        for split, examples in splits.items():
            if examples is not None:
                raise DataError(
                    f"`{split}` is for a `dataset` that is given as arrays or "
                    f"tf.data.Dataset. Here the `{split}` split is a part of "
                    f"the `dataset` itself: give `{split}` to from_arrays, or "
                    "put it beside the training images."
                )
        return dataset
    if isinstance(dataset, tf.data.Dataset):
        return from_dataset(dataset, **splits)
    if isinstance(dataset, tuple | list):
        return from_arrays(dataset, **splits)
    raise DataError(
        f"`dataset` must be a specification such as 'folder:pets', a pair "
        f"(images, labels), a tf.data.Dataset of them, or what "
        f"tfdarts.from_arrays returns. Received: "
        f"{type(dataset).__name__}."
    )


def _resize_source(source, size, fit):
    height, width, channels = source.image_shape
    if not size or (height, width) == (size, size):
        return source

    def load(split):
        images, labels = source.load(split)
        shape = (size, size, images.shape[-1])
        resized = _resize_all(images, shape[:2], fit)
        return collect_images(resized, len(images), shape), labels

    return dataclasses.replace(
        source,
        image_shape=(size, size, channels),
        load=load,
        notes=(
            *source.notes,
            f"Images are resized from {height}x{width} to {size}x{size}.",
        ),
    )


def _resize_all(images, size, fit):
    # Resized in parts, because the images may not be in memory.
    for start in range(0, len(images), 64):
        part = np.asarray(images[start : start + 64])
        yield from resize(part, size, fit).numpy()
