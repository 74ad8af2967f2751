"""The figures of each epoch, as a run keeps them."""

import csv
import pathlib
import re

SPLITS = {"search": "validation_supernet", "train": "validation"}
"""What each stage calls its figures of validation data."""

CURVES = {"search": "The search by epoch", "train": "The training by epoch"}
"""What the curves of each stage are called."""


def metric_name(name, stage):
    """Returns what a figure of Keras' logs is called in all that a run writes.

    Figures of a search are those of its supernet, which say little of the
    final network.

    Args:
        name: String. Keras marks figures of validation data by `val_`.
        stage: String, `"search"` or `"train"`.

    Example:

    >>> metric_name("val_accuracy", "train"), metric_name("loss", "train")
    ('validation_accuracy', 'loss')
    >>> metric_name("val_supernet_accuracy", "search")
    'validation_supernet_accuracy'
    """
    return re.sub("^val_(supernet_)?", f"{SPLITS[stage]}_", name)


def read_rows(path, stage):
    """Returns the rows of a `metrics.csv`, dicts of strings.

    Files of tfdarts 0.1.0 have Keras' names.

    Args:
        path: Path of the file.
        stage: See `metric_name`.
    """
    with pathlib.Path(path).open(newline="") as file:
        return [
            {metric_name(name, stage): value for name, value in row.items()}
            for row in csv.DictReader(file)
        ]


def read_columns(path, stage):
    """Returns the numbers of a `metrics.csv` by column, NaN where none is.

    Args:
        path: Path of the file.
        stage: See `metric_name`.
    """
    rows = read_rows(path, stage)
    return {
        name: [float(row.get(name) or "nan") for row in rows]
        for name in rows[-1]
    }
