"""A test split for data sets without one."""

import dataclasses

import numpy as np

from tfdarts.data.batches import stratified_split
from tfdarts.data.image_source import DataError

SHARE = 0.2
NOTE = (
    "There is no test split: tfdarts sets aside a fifth of the images of each "
    "class, always the same images."
)


def test_rows(labels, name):
    """Returns the positions of training and of test examples.

    The split is stratified and the same for all seeds.

    Args:
        labels: Array, the class of each example.
        name: String, the name of the data set.

    Returns:
        Two arrays of positions.

    Raises:
        DataError: If there are too few examples of a class.
    """
    classes, counts = np.unique(labels, return_counts=True)
    if counts.min() * SHARE < 1:
        raise DataError(
            f"{name} has no test split, and too few images to set aside a "
            f"fifth of each class: {counts.min()} of class "
            f"{classes[counts.argmin()]}."
        )
    return stratified_split(labels, 1 - SHARE, seed=0)


def split_off_test(source, labels):
    """Returns a source whose test split is cut out of the training split.

    Args:
        source: `ImageSource` without a test split.
        labels: Integer array, the labels of the training split.
    """
    train, test = test_rows(labels, source.name)
    rows = {"train": train, "test": test}

    def load(split):
        if split not in rows:
            return source.load(split)
        images, labels = source.load("train")
        return images[rows[split]], labels[rows[split]]

    return dataclasses.replace(
        source,
        splits={**source.splits, "train": len(train), "test": len(test)},
        load=load,
        notes=(*source.notes, NOTE),
    )
