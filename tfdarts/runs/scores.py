"""How good predictions are, from the logits and the labels alone."""

import numpy as np
import scipy.special
import sklearn.metrics

NUM_BINS = 15


def scores(labels, logits):
    """Returns the figures of a test.

    Args:
        labels: Integer array `(examples,)`.
        logits: Float array `(examples, num_classes)`.

    Returns:
        A dict: `test_accuracy`, `test_top5_accuracy` (where there are more
        than five classes), `test_loss` (cross entropy in nats),
        `test_calibration_error` (see `calibration`) and `test_examples`.

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
        "test_loss": float(-log_p[np.arange(len(labels)), labels].mean()),
        "test_calibration_error": calibration(labels, logits)["error"],
        "test_examples": len(labels),
    }


def _top(labels, logits, k):
    """The share of examples whose label is among the k likeliest."""
    if k == 1:
        return float((logits.argmax(1) == labels).mean())
    return float(
        sklearn.metrics.top_k_accuracy_score(
            labels, logits, k=k, labels=np.arange(logits.shape[1])
        )
    )


def calibration(labels, logits):
    """Returns how far confidence and accuracy are apart.

    Confidence is the probability of the class that is predicted. Predictions
    are put into 15 bins of it, of equal width; the expected calibration error
    is the difference between accuracy and mean confidence of a bin, in the
    mean over all examples.

    Args:
        labels: Integer array `(examples,)`.
        logits: Float array `(examples, num_classes)`.

    Returns:
        A dict: `error`, and of each bin, as lists, its `count`, `confidence`
        and `accuracy`; the latter two are `None` where it is empty.

    Reference:

    - [Guo et al., 2017](https://arxiv.org/abs/1706.04599), section 2
    """
    labels, logits = np.asarray(labels), np.asarray(logits, "float64")
    confidence = scipy.special.softmax(logits, axis=1).max(1)
    right = logits.argmax(1) == labels
    # The first bin also holds its lower end.
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
    """Returns the figures of each class.

    Args:
        labels: Integer array `(examples,)`.
        logits: Float array `(examples, num_classes)`.
        class_names: Sequence of strings.

    Returns:
        List of dicts: `class`, `examples`, `precision`, `recall`, `f1`; zero
        where it is not defined.
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
            "precision": float(precision),
            "recall": float(recall),
            "f1": float(f1),
        }
        for name, precision, recall, f1, examples in zip(class_names, *columns)
    ]


def confusion(labels, logits):
    """Returns how often each class was taken for each: a list of rows.

    Args:
        labels: Integer array `(examples,)`.
        logits: Float array `(examples, num_classes)`.
    """
    logits = np.asarray(logits)
    return sklearn.metrics.confusion_matrix(
        labels, logits.argmax(1), labels=np.arange(logits.shape[1])
    ).tolist()
