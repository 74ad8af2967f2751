"""Images that are in memory already."""

import numpy as np
import tensorflow as tf

from tfdarts.data.held_out import set_test_aside
from tfdarts.data.image_source import DataError
from tfdarts.data.image_source import ImageSource
from tfdarts.data.image_source import check_labels
from tfdarts.data.image_source import check_no_class_is_empty
from tfdarts.data.image_source import fingerprint


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
        name: String. Together with the source's fingerprint it becomes the
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
    given = {"train": train} if test is None else {"train": train, "test": test}
    arrays = {
        split: _as_arrays(examples, split) for split, examples in given.items()
    }
    scale = _scale({split: images for split, (images, _) in arrays.items()})
    arrays = {
        split: (_as_bytes(images, scale, f"the {split} split"), labels)
        for split, (images, labels) in arrays.items()
    }
    class_names = _class_names(arrays, class_names)
    shapes = {images.shape[1:] for images, _ in arrays.values()}
    if len(shapes) > 1:
        raise DataError(
            f"Training and test images must have one shape. They have "
            f"{' and '.join(map(str, sorted(shapes)))}."
        )
    shape = shapes.pop()
    contents = fingerprint(
        (class_names, [*arrays], shape),
        map(np.ascontiguousarray, arrays["train"]),
    )
    source = ImageSource(
        f"arrays:{name}-{contents}",
        class_names,
        shape,
        {split: len(labels) for split, (_, labels) in arrays.items()},
        arrays.__getitem__,
        fingerprint=contents,
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


def _as_arrays(examples, split):
    """Returns images and labels as arrays of numbers."""
    if not isinstance(examples, tuple | list) or len(examples) != 2:
        raise DataError(
            f"The {split} examples must be a pair (images, labels). They are "
            f"{_kind(examples)}."
        )
    try:
        images, labels = map(np.asarray, examples)
    except ValueError as error:
        raise DataError(
            f"The images of the {split} split must have one shape, and its "
            f"labels must be one integer for each. They are ragged: no array "
            f"can be made of them."
        ) from error
    _check_numbers(images, f"the {split} split")
    return images, _in_a_row(labels)


def _kind(thing):
    """Returns what a thing is, in words for an error."""
    length = f" of {len(thing)}" if isinstance(thing, tuple | list) else ""
    return f"{type(thing).__name__}{length}"


def _in_a_row(labels):
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


def _scale(images):
    """Returns what makes 255 of the full brightness, for all splits."""
    highest = {split: pixels.max() for split, pixels in images.items()}
    scales = {
        255 if np.issubdtype(high.dtype, np.floating) and high <= 1 else 1
        for high in highest.values()
    }
    if len(scales) > 1:
        found = (f"{high} in {split}" for split, high in highest.items())
        raise DataError(
            f"The pixels of one split seem to be from 0 to 255, those of the "
            f"other from 0 to 1: the highest is {' and '.join(found)}. "
            f"Convert both to uint8, from 0 to 255."
        )
    return scales.pop()


def _class_names(arrays, class_names):
    """Returns the names, or the numbers, of classes that fit all labels."""
    images, labels = arrays["train"]
    num_classes = None if class_names is None else len(class_names)
    check_labels(labels, len(images), num_classes, "the train split")
    if class_names is None:
        class_names = range(int(labels.max()) + 1)
    check_no_class_is_empty(labels, class_names, "the train split")
    if "test" in arrays:
        images, labels = arrays["test"]
        check_labels(labels, len(images), len(class_names), "the test split")
    return tuple(map(str, class_names))


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
    if not isinstance(dataset, tf.data.Dataset):
        raise DataError(
            f"The {split} dataset must be a tf.data.Dataset. It is "
            f"{_kind(dataset)}; what is in arrays is for from_arrays."
        )
    spec = dataset.element_spec
    parts = map(type, spec) if isinstance(spec, tuple) else ()
    if [*parts] != [tf.TensorSpec, tf.TensorSpec]:
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
