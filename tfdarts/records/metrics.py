"""The names and the reading of the metrics of each epoch."""

import csv
import pathlib
import re

SPLITS = {"search": "validation_supernet", "train": "validation"}
"""The prefix of validation metrics in each stage."""

CURVES = {"search": "The search by epoch", "train": "The training by epoch"}
"""The title of the curves of each stage."""


def metric_name(name, stage):
    """Returns the name of a Keras log in all files of a run.

    Metrics of a search are those of its supernet, which say little about the
    final network.

    Args:
        name: String. Keras' names of validation metrics begin with `val_`.
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

    Files of tfdarts 0.1.0 have Keras' names, which are converted.

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
    """Returns the columns of a `metrics.csv`, with NaN for missing values.

    Args:
        path: Path of the file.
        stage: See `metric_name`.
    """
    rows = read_rows(path, stage)
    return {
        name: [float(row.get(name) or "nan") for row in rows]
        for name in rows[-1]
    }
