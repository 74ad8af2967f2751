"""The images and labels that users give to an estimator."""

import os
import pathlib

import numpy as np
import tensorflow as tf

from tfdarts.data.arrays import source_of_training
from tfdarts.data.image_source import DataError
from tfdarts.data.listed_files import read_listed
from tfdarts.data.sources import open_source
from tfdarts.decoding import resize
from tfdarts.tasks.images_to_predict import find_images
from tfdarts.tasks.images_to_predict import images_of


def training_source(X, y, image_size):
    """Returns training examples as a source, and their classes.

    Args:
        X, y: See `tfdarts.ImageClassifier.fit`.
        image_size: Integer; see `tfdarts.ImageClassifier`.

    Returns:
        `ImageSource`, and an array of labels in the order of its classes.
    """
    if isinstance(X, str | os.PathLike):
        if y is not None:
            raise DataError(
                "The images of a folder have the names of their folders as "
                "labels: leave y out."
            )
        folder = f"folder:{pathlib.Path(X).expanduser()}"
        source = open_source(folder, image_size)
        return source, np.array(source.class_names)
    if isinstance(X, tf.data.Dataset):
        if y is not None:
            raise DataError("A tf.data.Dataset holds its labels: leave y out.")
        names = getattr(X, "class_names", None)
        source = source_of_training(X, names)
        classes = np.array(source.class_names if names else range_of(source))
        return open_source(source, image_size), classes
    if y is None:
        raise DataError("Images need labels: give y, one label per image.")
    images = _column_of(X)
    images = read_listed(images, image_size) if _are_paths(images) else images
    classes, numbers = np.unique(_labels_array(y), return_inverse=True)
    if len(numbers) != len(images):
        raise DataError(
            f"There must be one label per image. There are {len(images):,} "
            f"images and {len(numbers):,} labels."
        )
    source = source_of_training((images, numbers), [*map(str, classes)])
    return open_source(source, image_size), classes


def range_of(source):
    """Returns the numbers of the classes of a source."""
    return range(len(source.class_names))


def labels_of(y, classes):
    """Returns the positions of labels in the array of classes.

    Raises:
        DataError: If a label is none of the classes.
    """
    labels = _labels_array(y)
    unknown = np.setdiff1d(labels, classes)
    if len(unknown):
        raise DataError(
            f"The labels must be among the classes of the training. One of "
            f"them is {unknown.tolist()[0]!r}."
        )
    return np.searchsorted(classes, labels)


def pixels_for(X, image_shape):
    """Returns images as pixels of the shape that a network takes.

    Args:
        X: An array of images, or paths; see `tfdarts.ImageClassifier.fit`.
        image_shape: Tuple `(height, width, channels)`.

    Returns:
        Array `(images, *image_shape)`, from 0 to 255.
    """
    images = images_of(_column_of(X))
    *size, channels = image_shape
    if isinstance(images, list):
        decoded = [
            read_listed([path], channels=channels)
            for path in find_images(images)
        ]
        images = [resize(each, size).numpy() for each in decoded]
        return np.concatenate(images)
    if images.shape[-1] != channels:
        raise DataError(
            f"The images have {images.shape[-1]} channels, and those of the "
            f"training {channels}."
        )
    if images.shape[1:3] == tuple(size):
        return images
    return resize(images.round().astype("uint8"), size).numpy()


def _column_of(X):
    """Returns the paths of a data frame or array as a list; else `X`."""
    if not hasattr(X, "iloc"):
        is_paths = isinstance(X, np.ndarray) and X.dtype.kind in "UO"
        return X.tolist() if is_paths and X.ndim == 1 else X
    if X.ndim == 2:
        if X.shape[1] != 1:
            raise DataError(
                "A data frame of images must have one column, the paths of "
                f"the image files. It has {X.shape[1]}: choose one, as in "
                "frame['path']."
            )
        X = X.iloc[:, 0]
    return X.tolist()


def _are_paths(images):
    return isinstance(images, list | tuple) and all(
        isinstance(each, str | os.PathLike) for each in images
    )


def _labels_array(y):
    labels = np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise DataError(
            "Labels must be one integer or string per image. They have the "
            f"shape {labels.shape}."
        )
    return labels
