"""Images that are in memory already."""

import hashlib

import numpy as np
import tensorflow as tf

from tfdarts.data.held_out import set_test_aside
from tfdarts.data.image_source import DataError
from tfdarts.data.image_source import ImageSource
from tfdarts.data.image_source import check_labels


def from_arrays(train, test=None, class_names=None, name="images"):
    """Returns arrays as a source that stands wherever `--dataset` does.

    Args:
        train: Tuple `(images, labels)` of the training examples. Images have
            the shape `(examples, height, width, channels)`, or without
            channels if they are grey; 1 or 3 channels. They are integers from
            0 to 255, floats from 0 to 255, or floats from 0 to 1; floats are
            rounded to 8 bits. Labels are integers from 0 up.
        test: Like `train`, the test examples. By default a fifth of the
            training examples, always the same.
        class_names: Sequence of strings, the class of label `i` at position
            `i`. Defaults to the numbers.
        name: String. Together with a fingerprint of the data it becomes the
            source's name.

    Raises:
        DataError: If the arrays are not images with labels.

    Example:

    >>> images = np.zeros((20, 8, 8), "uint8")
    >>> images[::2, 2:6] = 255
    >>> labels = np.arange(20) % 2
    >>> from_arrays((images, labels), class_names=["bar", "nothing"]).splits
    {'train': 16, 'test': 4}
    """
    arrays = (
        {"train": train} if test is None else {"train": train, "test": test}
    )
    arrays = {
        split: (np.asarray(images), _labels(labels))
        for split, (images, labels) in arrays.items()
    }
    for split, (images, _) in arrays.items():
        _check_numbers(images, f"the {split} split")
    images = arrays["train"][0]
    fractions = np.issubdtype(images.dtype, np.floating) and images.max() <= 1
    scale = 255 if fractions else 1
    arrays = {
        split: (_as_bytes(images, scale, f"the {split} split"), labels)
        for split, (images, labels) in arrays.items()
    }
    num_classes = None if class_names is None else len(class_names)
    for split, (images, labels) in arrays.items():
        check_labels(labels, len(images), num_classes, f"the {split} split")
        num_classes = num_classes or int(labels.max()) + 1
    shapes = {images.shape[1:] for images, _ in arrays.values()}
    if len(shapes) > 1:
        raise DataError(
            f"Training and test images must have one shape. They have "
            f"{' and '.join(map(str, sorted(shapes)))}."
        )
    names = range(num_classes) if class_names is None else class_names
    class_names = tuple(map(str, names))
    fingerprint = _fingerprint(arrays, class_names)
    source = ImageSource(
        f"arrays:{name}-{fingerprint}",
        class_names,
        shapes.pop(),
        {split: len(labels) for split, (_, labels) in arrays.items()},
        arrays.__getitem__,
        fingerprint=fingerprint,
    )
    if test is None:
        source = set_test_aside(source, arrays["train"][1])
    return source


def from_dataset(train, test=None, class_names=None, name="images"):
    """Returns `tf.data` datasets as a source.

    They are read once, now, and kept in memory.

    Args:
        train: `tf.data.Dataset` of `(image, label)`, or of batches of them,
            the training examples. Images and labels are those of
            `from_arrays`.
        test: Like `train`, the test examples. By default a fifth of the
            training examples, always the same.
        class_names: See `from_arrays`.
        name: See `from_arrays`.

    Raises:
        DataError: If the datasets do not hold images with labels.

    Example:

    >>> images = np.zeros((20, 8, 8, 3), "uint8")
    >>> examples = images, np.arange(20) % 2
    >>> dataset = tf.data.Dataset.from_tensor_slices(examples).batch(4)
    >>> from_dataset(dataset, test=dataset).image_shape
    (8, 8, 3)
    """
    return from_arrays(
        _collected(train, "train"),
        None if test is None else _collected(test, "test"),
        class_names,
        name,
    )


def _labels(labels):
    labels = np.asarray(labels)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]  # As keras.datasets has them.
    if np.issubdtype(labels.dtype, np.integer):
        return labels.astype("int64")
    return labels


def _check_numbers(images, where):
    kinds = (np.integer, np.floating)
    number = any(np.issubdtype(images.dtype, kind) for kind in kinds)
    if images.ndim not in (3, 4) or not number:
        raise DataError(
            f"The images of {where} must be numbers of shape (examples, "
            f"height, width, channels), or without channels if they are grey. "
            f"They are {images.dtype} of shape {images.shape}."
        )
    if not len(images):
        raise DataError(f"There are no images in {where}.")
    if not np.isfinite(images).all():
        raise DataError(
            f"Among the pixels of {where} are some that are infinite or no "
            f"number at all (NaN)."
        )


def _as_bytes(images, scale, where):
    """Returns images as uint8, grey ones with their channel."""
    if images.ndim == 3:
        images = images[..., np.newaxis]
    if images.dtype == "uint8":
        return images
    low, high = images.min(), images.max()
    if low < 0 or high * scale > 255:
        raise DataError(
            f"The pixels of {where} must be from 0 to 255, or floats from 0 "
            f"to 1. They are from {low} to {high}."
        )
    return np.rint(images * scale).astype("uint8")


def _collected(dataset, split):
    """Returns a dataset's images and labels as two arrays."""
    spec = dataset.element_spec
    if not isinstance(spec, tuple) or len(spec) != 2:
        raise DataError(
            f"The {split} dataset must have elements (image, label). It has "
            f"{spec}."
        )
    if dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise DataError(
            f"The {split} dataset has no end: leave out its repeat()."
        )
    if spec[1].shape.rank:
        try:
            dataset = dataset.unbatch()
        except ValueError as error:
            raise DataError(
                f"The labels of the {split} dataset must be one integer for "
                f"each image, from 0 up."
            ) from error
    examples = list(dataset.as_numpy_iterator())
    if not examples:
        raise DataError(f"There are no images in the {split} split.")
    images, labels = zip(*examples)
    shapes = {image.shape for image in images}
    if len(shapes) > 1:
        raise DataError(
            f"The images of the {split} dataset must have one shape. They "
            f"have {', '.join(map(str, sorted(shapes)))}."
        )
    return np.stack(images), np.stack(labels)


def _fingerprint(arrays, class_names):
    digest = hashlib.sha256("\n".join(class_names).encode())
    for split, examples in arrays.items():
        digest.update(split.encode())
        for array in examples:
            digest.update(str(array.shape).encode())
            digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()[:12]
