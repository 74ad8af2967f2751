"""Metrics of predictions, computed from logits and labels."""

import numpy as np
import scipy.special
import sklearn.metrics

NUM_BINS = 15


def scores(labels, logits):
    """Returns the metrics of a test.

    Args:
        labels: Integer array `(examples,)`.
        logits: Float array `(examples, num_classes)`.

    Returns:
        A dict: `test_accuracy`, `test_top5_accuracy` (with more than five
        classes), `test_balanced_accuracy` (the mean recall of the classes),
        `test_macro_f1` (the mean F1 of the classes), `test_loss` (cross
        entropy in nats), `test_calibration_error` (see `calibration`) and
        `test_examples`. The two means are over the classes with test
        examples.

    Example:

    >>> scores([0, 1], [[2.0, 0.0], [0.0, 2.0]])["test_accuracy"]
    1.0
    """
    labels, logits = np.asarray(labels), np.asarray(logits, "float64")
    num_classes = logits.shape[1]
    log_p = scipy.special.log_softmax(logits, axis=1)
    figures = {"test_accuracy": _top(labels, logits, 1)}
    if num_classes > 5:
        figures["test_top5_accuracy"] = _top(labels, logits, 5)
    return figures | {
        **{f"test_{n}": v for n, v in class_means(labels, logits).items()},
        "test_loss": float(-log_p[np.arange(len(labels)), labels].mean()),
        "test_calibration_error": calibration(labels, logits)["error"],
        "test_examples": len(labels),
    }


def class_means(labels, logits):
    """Returns the metrics in which every class has the same weight.

    Args:
        labels: Integer array `(examples,)`.
        logits: Float array `(examples, num_classes)`.

    Returns:
        A dict: `balanced_accuracy`, the mean recall, and `macro_f1`.
    """
    arguments = {
        "y_true": labels,
        "y_pred": np.argmax(logits, axis=1),
        "labels": np.unique(labels),
        "average": "macro",
        "zero_division": 0.0,
    }
    return {
        "balanced_accuracy": float(sklearn.metrics.recall_score(**arguments)),
        "macro_f1": float(sklearn.metrics.f1_score(**arguments)),
    }


def _top(labels, logits, k):
    """Returns the share of examples whose label is among the top k."""
    if k == 1:
        return float((logits.argmax(1) == labels).mean())
    return float(
        sklearn.metrics.top_k_accuracy_score(
            labels, logits, k=k, labels=np.arange(logits.shape[1])
        )
    )


def calibration(labels, logits):
    """Returns the expected calibration error and its bins.

    Confidence is the probability of the predicted class. Predictions are put
    into 15 bins of equal width by confidence. The expected calibration error
    is the absolute difference between a bin's accuracy and mean confidence,
    averaged over all examples.

    Args:
        labels: Integer array `(examples,)`.
        logits: Float array `(examples, num_classes)`.

    Returns:
        A dict: `error`, and as lists over the bins `count`, `confidence` and
        `accuracy`; the latter two are `None` for empty bins.

    Reference:

    - [Guo et al., 2017](https://arxiv.org/abs/1706.04599), section 2
    """
    labels, logits = np.asarray(labels), np.asarray(logits, "float64")
    confidence = scipy.special.softmax(logits, axis=1).max(1)
    right = logits.argmax(1) == labels
    # The first bin includes its lower end, 0.
    position = np.ceil(confidence * NUM_BINS).astype(int).clip(1, NUM_BINS) - 1
    count, total, hits = (
        np.bincount(position, weights, minlength=NUM_BINS)
        for weights in (None, confidence, right)
    )
    return {
        "error": float(np.abs(hits - total).sum() / len(labels)),
        "count": count.astype(int).tolist(),
        "confidence": _means(total, count),
        "accuracy": _means(hits, count),
    }


def _means(totals, counts):
    return [float(t / c) if c else None for t, c in zip(totals, counts)]


def per_class(labels, logits, class_names):
    """Returns the metrics of each class.

    Args:
        labels: Integer array `(examples,)`.
        logits: Float array `(examples, num_classes)`.
        class_names: Sequence of strings.

    Returns:
        List of dicts: `class`, `examples` (the support), `precision`,
        `recall`, `f1`. The precision and the F1 of a class that is never
        predicted are 0. All three are `None` for a class without examples.
    """
    columns = sklearn.metrics.precision_recall_fscore_support(
        labels,
        np.argmax(logits, axis=1),
        labels=np.arange(len(class_names)),
        zero_division=0.0,
    )
    return [
        {
            "class": name,
            "examples": int(examples),
            "precision": float(precision) if examples else None,
            "recall": float(recall) if examples else None,
            "f1": float(f1) if examples else None,
        }
        for name, precision, recall, f1, examples in zip(class_names, *columns)
    ]


def confusion(labels, logits):
    """Returns the confusion matrix as a list of rows, one per true class.

    Args:
        labels: Integer array `(examples,)`.
        logits: Float array `(examples, num_classes)`.
    """
    logits = np.asarray(logits)
    return sklearn.metrics.confusion_matrix(
        labels, logits.argmax(1), labels=np.arange(logits.shape[1])
    ).tolist()
