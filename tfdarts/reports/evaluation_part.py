"""The test of a network, for the page of its run."""

import numpy as np
from scipy.stats import binomtest

CONFIDENCE_LEVEL = 0.95
"""The level of the interval of the accuracy."""

MOST_CLASSES = 30
"""The number of classes up to which the page has the whole matrix."""

MOST_MISTAKES = 12
"""The number of confusions that the page lists."""


def evaluation_part(files, results):
    """Returns the test results of a run as a dict, or `None` without a test.

    Args:
        files: `RunFiles`.
        results: Dict, the content of `train/results.json`.
    """
    report = files.json("evaluation/report.json", dict)
    figures = {**results, **report}
    if "test_loss" not in figures:
        return None
    part = {
        "figures": {
            name: value
            for name, value in figures.items()
            if (name.startswith("test_") or name.endswith("gram_perplexity"))
            and isinstance(value, int | float)
        },
        "interval": files.attempt(
            "The interval of the accuracy", lambda: accuracy_interval(figures)
        ),
        "details": bool(report),
        "is_of_images": "test_accuracy" in figures,
        "confusion": None,
        "calibration": None,
        "classes": [],
    }
    if "confusion" in report:
        part |= (
            files.attempt("The confusion matrix", lambda: _confusion(report))
            or {}
        )
    if "calibration" in report:
        part["calibration"] = files.attempt(
            "The calibration", lambda: _calibration(report["calibration"])
        )
    return part


def accuracy_interval(figures):
    """Returns the interval of a test accuracy, or `None` if not known.

    Args:
        figures: Dict with `test_accuracy` and `test_examples`.

    Returns:
        Pair of floats, the bounds of Wilson's score interval at the level of
        95%.

    Example:

    >>> figures = {"test_accuracy": 0.9, "test_examples": 100}
    >>> [round(bound, 3) for bound in accuracy_interval(figures)]
    [0.826, 0.945]

    Reference:

    - Wilson, 1927, Probable inference, the law of succession, and
      statistical inference. Journal of the American Statistical Association
      22(158), pages 209 to 212
    """
    if not figures.get("test_examples") or "test_accuracy" not in figures:
        return None
    count = figures["test_examples"]
    right = round(figures["test_accuracy"] * count)
    interval = binomtest(right, count).proportion_ci(
        CONFIDENCE_LEVEL, method="wilson"
    )
    return float(interval.low), float(interval.high)


def _confusion(report):
    """Returns the matrix, the classes and the most frequent mistakes."""
    matrix = np.array(report["confusion"])
    names = [str(row["class"]) for row in report["classes"]]
    if matrix.shape != (len(names), len(names)):
        raise ValueError("its size is not the number of classes.")
    shares = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    rows = [
        {
            "class": name,
            "fields": [
                {
                    "count": int(count),
                    "percent": round(100 * float(share)),
                    "right": row == column,
                }
                for column, (count, share) in enumerate(
                    zip(matrix[row], shares[row])
                )
            ],
        }
        for row, name in enumerate(names)
    ]
    return {
        "classes": report["classes"],
        "mistakes": _mistakes(matrix, names),
        "confusion": {
            "names": names,
            "rows": rows if len(names) <= MOST_CLASSES else [],
            "right": int(np.trace(matrix)),
            "count": int(matrix.sum()),
        },
    }


def _mistakes(matrix, names):
    """Returns the most frequent confusions of two classes."""
    wrong = matrix - np.diag(np.diag(matrix))
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_MISTAKES]
    places = zip(*np.unravel_index(order, wrong.shape))
    return [
        {
            "true": names[row],
            "predicted": names[column],
            "count": int(wrong[row, column]),
            "of": int(matrix[row].sum()),
        }
        for row, column in places
        if wrong[row, column]
    ]


def _calibration(calibration):
    """Returns the bins of a reliability diagram, and their error."""
    counts = calibration["count"]
    total, most = sum(counts), max(counts)
    bins = [
        {
            "from": position / len(counts),
            "to": (position + 1) / len(counts),
            "count": count,
            "share": count / most,
            "confidence": confidence,
            "accuracy": accuracy,
        }
        for position, (count, confidence, accuracy) in enumerate(
            zip(counts, calibration["confidence"], calibration["accuracy"])
        )
    ]
    gap = sum(
        each["count"] / total * (each["confidence"] - each["accuracy"])
        for each in bins
        if each["count"]
    )
    return {
        "error": calibration["error"],
        "bins": bins,
        "examples": total,
        "gap": gap,
    }
