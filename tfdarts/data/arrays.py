"""Data sets from images in memory."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfdarts.arguments import items
from tfdarts.arguments import scalar
from tfdarts.data.image_arrays import as_array
from tfdarts.data.image_arrays import check_numbers
from tfdarts.data.image_arrays import pixels_of
from tfdarts.data.image_arrays import pixels_of_splits
from tfdarts.data.image_source import DataError
from tfdarts.data.image_source import ImageSource
from tfdarts.data.image_source import check_no_class_is_empty
from tfdarts.data.image_source import fingerprint
from tfdarts.data.labels import class_numbers
from tfdarts.data.labels import find_classes
from tfdarts.data.splits import split_off_test


def from_arrays(
    train: tuple,
    test: tuple | None = None,
    class_names: Sequence[str] | None = None,
    name: str = "images",
    validation: tuple | None = None,
) -> ImageSource:
    """Returns arrays as a source, for use as `dataset`.

    Args:
        train: Tuple `(images, labels)` of the training examples: arrays of
            NumPy, TensorFlow or Keras, or lists; or a `tf.data.Dataset` of
            such pairs, see `from_dataset`. Images have the shape
            `(examples, height, width, channels)`, or without channels if they
            are gray; 1 or 3 channels. They are integers from 0 to 255, floats
            from 0 to 255, or floats from 0 to 1; floats are rounded to 8
            bits. Labels are integers from 0 up, one-hot rows, or strings.
        test: Like `train`, the test examples. By default a fifth of the
            training examples, always the same.
        class_names: Sequence of strings or integers, the class of label `i`
            at position `i`. Defaults to the labels: the numbers, or the
            distinct strings in alphabetical order.
        name: String, which forms the source's name together with its
            fingerprint.
        validation: Like `train`, the validation examples. By default there is
            no validation split, and the settings of a run say which share of
            the training examples is kept for validation.

    Raises:
        DataError: If the arrays are not images with labels.

    Example:

    >>> images = np.zeros((20, 8, 8), "uint8")
    >>> images[::2, 2:6] = 255
    >>> labels = np.arange(20) % 2
    >>> from_arrays((images, labels), class_names=["bar", "nothing"]).splits
    {'train': 16, 'test': 4}
    """
    given = {"train": train, "validation": validation, "test": test}
    source = _source_of_splits(given, class_names, name)
    if test is None:
        _, labels = source.load("train")
        source = split_off_test(source, labels)
    return source


def source_of_training(train, class_names=None, name="images"):
    """Returns training examples as a source without a test split.

    Args:
        train, class_names, name: See `from_arrays`.
    """
    return _source_of_splits({"train": train}, class_names, name)


def _source_of_splits(given, class_names, name):
    pairs = {
        split: _as_pair(examples, split)
        for split, examples in given.items()
        if examples is not None or split == "train"
    }
    class_names, labels = _labels(pairs, class_names)
    images = pixels_of_splits(
        {split: images for split, (images, _) in pairs.items()}
    )
    arrays = {split: (images[split], labels[split]) for split in pairs}
    shapes = {images.shape[1:] for images, _ in arrays.values()}
    if len(shapes) > 1:
        raise DataError(
            f"The images of all splits must have one shape. They have "
            f"{' and '.join(map(str, sorted(shapes)))}."
        )
    shape = shapes.pop()
    learned = [split for split in arrays if split != "test"]
    contents = fingerprint(
        (class_names, [*arrays], shape),
        (
            np.ascontiguousarray(array)
            for split in learned
            for array in arrays[split]
        ),
    )
    return ImageSource(
        f"arrays:{name}-{contents}",
        class_names,
        shape,
        {split: len(labels) for split, (_, labels) in arrays.items()},
        arrays.__getitem__,
        fingerprint=contents,
    )


def from_dataset(
    train: Any,
    test: Any = None,
    class_names: Sequence[str] | None = None,
    name: str = "images",
    validation: Any = None,
) -> ImageSource:
    """Returns `tf.data` datasets as a source.

    The datasets are read once, immediately, and kept in memory.

    Args:
        train: `tf.data.Dataset` of `(image, label)`, or of batches of such
            pairs, the training examples. Images and labels are those of
            `from_arrays`.
        test: Like `train`, or a pair of arrays, the test examples. By default
            a fifth of the training examples, always the same.
        class_names: See `from_arrays`. Defaults to the attribute
            `class_names` of `train`, if it exists, as in a dataset of
            `keras.utils.image_dataset_from_directory`.
        name: See `from_arrays`.
        validation: Like `test`, the validation examples; see `from_arrays`.

    Raises:
        DataError: If the datasets do not hold images with labels.

    Example:

    >>> images = np.zeros((20, 8, 8, 3), "uint8")
    >>> examples = images, np.arange(20) % 2
    >>> dataset = tf.data.Dataset.from_tensor_slices(examples).batch(4)
    >>> from_dataset(dataset, test=dataset).image_shape
    (8, 8, 3)
    """
    if not isinstance(train, tf.data.Dataset):
        raise DataError(
            "The train dataset must be a tf.data.Dataset. It is "
            f"{_describe_type(train)}; for arrays, use from_arrays."
        )
    if class_names is None:
        class_names = getattr(train, "class_names", None)
    return from_arrays(train, test, class_names, name, validation)


def source_of_test(test, class_names):
    """Returns test examples as a source with only a test split.

    Args:
        test: Tuple `(images, labels)` or `tf.data.Dataset`; see `from_arrays`
            and `from_dataset`.
        class_names: Sequence of strings, the classes of the network.

    Returns:
        `ImageSource` that has only a test split.

    Raises:
        DataError: If the examples are no images with labels of these classes.
    """
    images, labels = _as_pair(test, "test")
    where = "the test split"
    labels = class_numbers(labels, len(images), class_names, where)
    images = np.ascontiguousarray(pixels_of(images, "the test split"))
    return ImageSource(
        "arrays:test",
        tuple(class_names),
        images.shape[1:],
        {"test": len(labels)},
        {"test": (images, labels)}.__getitem__,
        fingerprint=fingerprint(images.shape, (images, labels)),
    )


def _as_pair(examples, split):
    """Returns images and labels as arrays; checks that images are numbers."""
    if isinstance(examples, tf.data.Dataset):
        examples = _collect(examples, split)
    if not isinstance(examples, tuple | list) or len(examples) != 2:
        raise DataError(
            f"The {split} examples must be a tf.data.Dataset or a pair "
            f"(images, labels). They are {_describe_type(examples)}."
        )
    images, labels = examples
    where = f"the {split} split"
    images = as_array(images, where)
    check_numbers(images, where)
    return images, labels


def _labels(pairs, class_names):
    """Returns the names of the classes, and the labels of each split."""
    images, labels = pairs["train"]
    if class_names is None:
        class_names = find_classes(labels, len(images), "the train split")
    else:
        class_names = tuple(map(_class_name, items(class_names)))
    numbers = {
        split: class_numbers(
            labels, len(images), class_names, f"the {split} split"
        )
        for split, (images, labels) in pairs.items()
    }
    check_no_class_is_empty(numbers["train"], class_names, "the train split")
    return tuple(map(str, class_names)), numbers


def _class_name(name):
    name = scalar(name)
    if not isinstance(name, str) and type(name) is not int:
        raise DataError(
            "`class_names` must be strings or integers. One of them is "
            f"{name!r}."
        )
    return str(name)


def _describe_type(thing):
    """Returns the type and length of an object, for error messages."""
    length = f" of {len(thing)}" if isinstance(thing, tuple | list) else ""
    return f"{type(thing).__name__}{length}"


def _collect(dataset, split):
    """Returns the images and labels of a `tf.data.Dataset` as two arrays.

    Raises:
        DataError: If the elements are no pairs, or infinitely many, or none.
    """
    spec = dataset.element_spec
    parts = map(type, spec) if isinstance(spec, tuple) else ()
    if [*parts] != [tf.TensorSpec, tf.TensorSpec]:
        raise DataError(
            f"The {split} dataset must have elements (image, label), without "
            f"example weights. It has {spec}."
        )
    if dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise DataError(
            f"The {split} dataset is infinite: leave out its repeat()."
        )
    elements = list(dataset.as_numpy_iterator())
    if not elements:
        raise DataError(f"There are no images in the {split} split.")
    images, labels = map(list, zip(*elements))
    if _is_batch(*map(np.shape, elements[0])):
        images = [image for batch in images for image in batch]
        labels = [label for batch in labels for label in batch]
    shapes = {image.shape for image in images}
    if len(shapes) > 1:
        raise DataError(
            f"The images of the {split} dataset must have one shape. They "
            f"have {', '.join(map(str, sorted(shapes)))}."
        )
    return np.stack(images), np.stack(labels)


def _is_batch(image_shape, label_shape):
    """Returns whether a dataset element is a batch, judged by its shapes.

    Example:

    >>> _is_batch((8, 28, 28), (8,)), _is_batch((28, 28, 1), (10,))
    (True, False)
    """
    if len(label_shape) != 1:
        return len(label_shape) > 1
    # Either one label per image of a batch, or one image's one-hot label.
    one_image = len(image_shape) == 3 and image_shape[-1] in (1, 3)
    return len(image_shape) > 2 and not one_image
