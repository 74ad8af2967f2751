"""The interface of image data sets, and checks of their content."""

import dataclasses
import hashlib
import itertools
import typing

import numpy as np

from tfdarts.characters import compose_accents
from tfdarts.characters import has_unusable_characters

LEAST_SIZE = 4


class DataError(ValueError):
    """The data are missing or unsuitable."""


@dataclasses.dataclass(frozen=True)
class ImageSource:
    """Images with labels, split into training and test examples.

    Args:
        name: String, the specification of the data set.
        class_names: Tuple of strings, the class of label `i` at position `i`;
            they become NFC, see `tfdarts.characters.compose_accents`.
        image_shape: Tuple `(height, width, channels)` of every image.
        splits: Dict from the names of splits to their numbers of examples:
            `"train"`, `"test"`, and `"validation"` if the source has its own
            validation split.
        load: Function from the name of a split to `(images, labels)`: `uint8`
            images of shape `(examples, height, width, channels)` and `int64`
            labels. A split is loaded only when it is read.
        mean: Tuple of floats, one per channel, the published mean of the
            images scaled to 0 to 1, or `None` if none was published.
        std: Like `mean`, the standard deviation.
        random_flip: Boolean, whether a mirrored image has the same class.
        fingerprint: String that identifies the data that training may read
            (the class names, the training and the validation split), so that
            no run is resumed on other data. The test split does not count: a
            run can still be tested after a broken test image is repaired. If
            the test split was cut out of the training split, it counts too.
        notes: Tuple of sentences on automatic conversions of the data.

    Raises:
        DataError: If no network can be trained on these images.
    """

    name: str
    class_names: tuple
    image_shape: tuple
    splits: dict
    load: typing.Callable
    mean: tuple | None = None
    std: tuple | None = None
    random_flip: bool = False
    fingerprint: str = ""
    notes: tuple = ()

    # Warnings to log; `tfdarts.data.class_balance` warns about classes.
    warnings = ()

    def __post_init__(self):
        height, width, channels = self.image_shape
        check_name(self.name, "The data set")
        check_class_names(self.class_names, self.name)
        names = tuple(map(compose_accents, self.class_names))
        object.__setattr__(self, "class_names", names)
        if min(height, width) < LEAST_SIZE:
            raise DataError(
                f"The images of {self.name} are {height}x{width} pixels. They "
                f"must be at least {LEAST_SIZE}x{LEAST_SIZE}."
            )
        if channels not in (1, 3):
            raise DataError(
                f"The images of {self.name} have {channels} channels. They "
                "must have 1 (gray) or 3 (color)."
            )
        for split, examples in self.splits.items():
            if not examples:
                raise DataError(f"The {split} split of {self.name} is empty.")

    def read(self, split):
        """Returns the images and labels of a split, after checks.

        Args:
            split: String, one of `splits`.

        Raises:
            DataError: If there is no such split, or the result of `load` is
                invalid.
        """
        if split not in self.splits:
            raise DataError(f"{self.name} has no {split} split.")
        images, labels = self.load(split)
        where = f"the {split} split of {self.name}"
        if images.dtype != "uint8" or images.shape[1:] != self.image_shape:
            raise DataError(
                f"The images of {where} must be uint8 of shape "
                f"{self.image_shape}. They are {images.dtype} of shape "
                f"{images.shape[1:]}."
            )
        check_labels(labels, len(images), len(self.class_names), where)
        if split == "train" and (labels == labels[0]).all():
            raise DataError(
                f"All images of {where} are of one class, "
                f"{self.class_names[labels[0]]}: a classifier needs at least "
                "two classes."
            )
        return images, labels

    def describe(self):
        """Returns sentences that describe the data, without reading images."""
        height, width, channels = self.image_shape
        *_, last = self.splits.values()
        counts = (f"{count:,} {split}" for split, count in self.splits.items())
        return (
            f"{self.name}: {', '.join(counts)} image{'s' * (last > 1)}, "
            f"{height}x{width} pixels (height x width), "
            f"{('gray', 'color')[channels == 3]}",
            f"{len(self.class_names)} classes: {shorten(self.class_names)}",
            *self.notes,
        )


def check_name(name, what):
    """Raises `DataError` if a name cannot be shown and written.

    Args:
        name: String.
        what: String, the named thing in error messages.
    """
    if has_unusable_characters(name):
        raise DataError(
            f"{what} is called {name!r}, which has control characters or is "
            "not UTF-8. Rename it."
        )
    if not name.strip():
        raise DataError(
            f"{what} is called {name!r}, which is blank. Rename it."
        )


def check_class_names(class_names, where):
    """Raises `DataError` unless names are distinct names of several classes.

    Args:
        class_names: Sequence of strings.
        where: String, the data set in error messages.
    """
    for name in class_names:
        check_name(name, f"A class of {where}")
    if len(class_names) < 2:
        found = ", ".join(["only one class", *class_names])
        raise DataError(
            f"{where} has {found if class_names else 'no class'}: a "
            "classifier needs at least two classes."
        )
    names = sorted(map(compose_accents, class_names))
    differing = ""
    if len({*class_names}) == len(class_names):
        differing = ", with accents encoded differently (Unicode NFC and NFD)"
    for name, following in itertools.pairwise(names):
        if name == following:
            raise DataError(
                f"Two classes of {where} are called {name}{differing}. Every "
                f"class must have a name of its own."
            )


def check_no_class_is_empty(labels, class_names, where):
    """Raises `DataError` if a class has no image.

    Args:
        labels: Integer array of the training examples.
        class_names: The names of the classes, or a `range` up to the highest
            label.
        where: String, the split in error messages.
    """
    there = {*np.unique(labels).tolist()}
    empty = (
        str(name)
        for label, name in enumerate(class_names)
        if label not in there
    )
    # Six are enough: a high label may leave millions of classes empty.
    empty = [*itertools.islice(empty, 6)]
    if empty:
        raise DataError(
            f"There is no image of class {shorten(empty, 5)} in {where}. "
            "Number the classes from 0 without gaps, and name only classes "
            "that have images; without names, there is a class for every "
            f"number up to the highest label, here {max(there)}."
        )


def fingerprint(description, contents):
    """Returns a short checksum of the arguments.

    Args:
        description: Anything whose `repr` shows all of it.
        contents: Iterable of bytes or contiguous arrays.
    """
    digest = hashlib.sha256(repr(description).encode())
    for content in contents:
        digest.update(content)
    return digest.hexdigest()[:12]


def check_labels(labels, num_images, num_classes, where):
    """Raises `DataError` if labels do not fit the images and classes.

    Args:
        labels: Array.
        num_images: Integer.
        num_classes: Integer, or `None` for any number of classes.
        where: String, the split in error messages.
    """
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise DataError(
            f"The labels of {where} must be one integer for each image, from "
            f"0 up. They are {labels.dtype} of shape {labels.shape}."
        )
    if not len(labels):
        raise DataError(f"There are no images in {where}.")
    if len(labels) != num_images:
        raise DataError(
            f"There are {num_images:,} images but {len(labels):,} labels in "
            f"{where}."
        )
    highest = labels.max() if num_classes is None else num_classes - 1
    wrong = labels[(labels < 0) | (labels > highest)]
    if len(wrong):
        reach = "up" if num_classes is None else f"to {highest}"
        raise DataError(
            f"The labels of {where} must be from 0 {reach}, one number per "
            f"class. One of them is {wrong[0]}."
        )


def shorten(names, most=10):
    """Returns the first names, joined by commas."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown}, and so on"
