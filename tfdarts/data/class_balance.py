"""Counts of examples per class, and warnings about imbalance."""

import numpy as np
import sklearn.utils.class_weight

from tfdarts.data.image_source import shorten
from tfdarts.table import table

IMBALANCED = 3
"""Ratio of the largest to the smallest class from which users are warned."""
FEW = 2
"""Users are warned of classes with at most this many training images."""
MOST_ROWS = 20


def balanced_class_weight(labels):
    """Returns class weights inversely proportional to the class counts.

    Args:
        labels: Integer array `(examples,)` of the training examples.

    Returns:
        Dict from each label that occurs to its weight, `examples / (classes
        × examples of the class)`, a float. The mean weight of an example is 1.

    Example:

    >>> balanced_class_weight(np.array([0, 0, 0, 1]))
    {0: 0.6666666666666666, 1: 2.0}

    Reference:

    - [`sklearn.utils.class_weight.compute_class_weight`](
      https://scikit-learn.org/stable/modules/generated/sklearn.utils.class_weight.compute_class_weight.html)
    """
    classes = np.unique(labels)
    weights = sklearn.utils.class_weight.compute_class_weight(
        "balanced", classes=classes, y=labels
    )
    return dict(zip(classes.tolist(), weights.tolist()))


def count_classes(labels, class_names):
    """Returns the number of examples of each class, an integer array.

    Args:
        labels: Integer array `(examples,)`.
        class_names: Sequence of strings.
    """
    return np.bincount(labels, minlength=len(class_names))


def count_table(counts, class_names):
    """Returns a table of the counts of each class in each split, as text.

    With more than 20 classes, it has the ten largest and the ten smallest.

    Args:
        counts: Dict from the names of splits, the training split first, to
            integer arrays `(classes,)`.
        class_names: Sequence of strings.

    Example:

    >>> counts = {"train": np.array([7, 12]), "test": np.array([3, 3])}
    >>> print(count_table(counts, ["cat", "dog"]))
    class    train  test
    cat          7     3
    dog         12     3
    2 total     19     6
    """
    columns = np.stack([*counts.values()], axis=1)
    shown = np.arange(len(class_names))
    if len(class_names) > MOST_ROWS:
        largest_first = np.argsort(-columns[:, 0], kind="stable")
        half = MOST_ROWS // 2
        shown = [*largest_first[:half], None, *largest_first[-half:]]
    rows = [
        ("…",) * (1 + len(counts))
        if label is None
        else (class_names[label], *(f"{n:,}" for n in columns[label]))
        for label in shown
    ]
    totals = (f"{n:,}" for n in columns.sum(0))
    rows.append((f"{len(class_names):,} total", *totals))
    return table(("class", *counts), rows)


def class_warnings(counts, class_names, class_weights="none", images=None):
    """Returns warnings about classes that are hard to learn.

    Args:
        counts: See `count_table`.
        class_names: Sequence of strings.
        class_weights: String, the setting.
        images: Integer, the number of all training images, if the first split
            of `counts` holds only some of them.
    """
    train = next(iter(counts.values()))
    part = ""
    if images not in (None, train.sum()):
        part = (
            f" (of the {train.sum():,} of {images:,} that the weights learn "
            "from)"
        )
    return [
        *_imbalance(train, class_names, class_weights, part),
        *_rare_classes(train, class_names, part),
        *(
            f"The {split} split has no image of "
            f"{_some_classes(count == 0, class_names)}: figures on this split "
            "say nothing about "
            f"{'that class' if (count == 0).sum() == 1 else 'those classes'}."
            for split, count in counts.items()
            if not count.all()
        ),
    ]


def _imbalance(train, class_names, class_weights, part):
    """Yields the warning of an imbalance, if there is one."""
    # Empty classes are ignored.
    nonempty = np.where(train > 0, train, train.max())
    largest, smallest = train.argmax(), nonempty.argmin()
    ratio = train[largest] / train[smallest]
    if ratio < IMBALANCED:
        return
    advice = (
        ""
        if class_weights == "balanced"
        else (" Consider --class_weights=balanced.")
    )
    yield (
        f"The classes are imbalanced: {class_names[largest]} has "
        f"{train[largest]:,} training images, {class_names[smallest]} "
        f"{train[smallest]:,}{part}, a ratio of {ratio:.1f}. A network that "
        f"always predicts {class_names[largest]} has an accuracy of "
        f"{train[largest] / train.sum():.1%}: compare balanced accuracy and "
        f"macro F1 instead, which tfdarts-evaluate reports.{advice}"
    )


def _rare_classes(train, class_names, part):
    """Yields warnings about classes with very few images, if any."""
    rare = (train > 0) & (train <= FEW)
    if not rare.any():
        return
    yield (
        f"There are only 1 or {FEW} training images of "
        f"{_some_classes(rare, class_names)}{part}: too few to learn a class "
        f"from."
    )
    if rare.sum() > len(train) / 2:
        yield (
            f"There are {len(train):,} classes for {train.sum():,} training "
            "images. If the labels are quantities, such as ages or prices, "
            "they are not classes: tfdarts only classifies, so group them "
            "into a few ranges."
        )


def _some_classes(chosen, class_names):
    """Returns the first names of the chosen classes, and their number."""
    names = [class_names[label] for label in np.flatnonzero(chosen)]
    if len(names) == 1:
        return f"class {names[0]}"
    return f"{len(names):,} classes ({shorten(names, 5)})"
