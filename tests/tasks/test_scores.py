"""Figures of a test against NumPy loops."""

import math

import numpy as np
import pytest
import sklearn.metrics

from tfdarts.tasks.scores import calibration
from tfdarts.tasks.scores import confusion
from tfdarts.tasks.scores import per_class
from tfdarts.tasks.scores import scores

RANDOM = np.random.default_rng(0)
LABELS = RANDOM.integers(0, 7, 200)
LOGITS = RANDOM.normal(size=(200, 7)) + 2 * np.eye(7)[LABELS]


def probabilities(row):
    total = sum(math.exp(x) for x in row)
    return [math.exp(x) / total for x in row]


def test_accuracy_loss_and_top_5_by_loops():
    figures = scores(LABELS, LOGITS)
    top1 = top5 = loss = 0
    for label, row in zip(LABELS, LOGITS):
        order = sorted(range(7), key=lambda k: -row[k])
        top1 += order[0] == label
        top5 += label in order[:5]
        loss -= math.log(probabilities(row)[label])
    assert figures["test_accuracy"] == pytest.approx(top1 / 200)
    assert figures["test_top5_accuracy"] == pytest.approx(top5 / 200)
    assert figures["test_loss"] == pytest.approx(loss / 200)
    assert figures["test_examples"] == 200
    assert 0 < top1 < top5 < 200


def test_of_five_classes_the_top_5_is_nothing_to_know():
    figures = scores(LABELS % 5, LOGITS[:, :5])
    assert "test_top5_accuracy" not in figures


def test_large_logits_have_a_finite_loss():
    figures = scores([0, 1], [[1e4, 0.0], [1e4, 0.0]])
    assert figures["test_loss"] == pytest.approx(5e3)


def test_calibration_error_by_loops():
    bins = [[] for _ in range(15)]
    for label, row in zip(LABELS, LOGITS):
        p = probabilities(row)
        confidence = max(p)
        for i in range(15):
            if i / 15 < confidence <= (i + 1) / 15:
                bins[i].append((confidence, p.index(confidence) == label))
    expected = 0.0
    found = calibration(LABELS, LOGITS)
    for i, members in enumerate(bins):
        assert found["count"][i] == len(members)
        if not members:
            assert found["confidence"][i] is found["accuracy"][i] is None
            continue
        confidence, accuracy = np.mean(members, axis=0)
        assert found["confidence"][i] == pytest.approx(confidence)
        assert found["accuracy"][i] == pytest.approx(accuracy)
        expected += len(members) / 200 * abs(accuracy - confidence)
    assert found["error"] == pytest.approx(expected)
    assert scores(LABELS, LOGITS)["test_calibration_error"] == found["error"]
    assert sum(found["count"]) == 200


def test_calibration_in_closed_form():
    """Sure of all and right in half: off by a half."""
    logits = np.repeat([[50.0, -50.0]], 10, axis=0)
    labels = np.arange(10) % 2
    assert calibration(labels, logits)["error"] == pytest.approx(0.5)
    assert calibration(np.zeros(10, int), logits)["error"] < 1e-9
    even = np.zeros((10, 2))
    assert calibration(labels, even)["error"] == pytest.approx(0.0)


def test_a_bin_has_its_upper_end():
    """Of five equal classes each has 0.2, the end of the third bin."""
    count = calibration([0, 1, 2], np.zeros((3, 5)))["count"]
    assert count == [0, 0, 3] + [0] * 12


def test_classes_and_confusion_by_loops():
    names = list("abcdefg")
    matrix = [[0] * 7 for _ in names]
    for label, row in zip(LABELS, LOGITS):
        matrix[label][int(np.argmax(row))] += 1
    assert confusion(LABELS, LOGITS) == matrix
    matrix = np.array(matrix)
    for k, figures in enumerate(per_class(LABELS, LOGITS, names)):
        recall = matrix[k, k] / matrix[k].sum()
        precision = matrix[k, k] / matrix[:, k].sum()
        assert figures == {
            "class": names[k],
            "examples": matrix[k].sum(),
            "precision": pytest.approx(precision),
            "recall": pytest.approx(recall),
            "f1": pytest.approx(2 / (1 / precision + 1 / recall)),
        }


def test_balanced_accuracy_and_macro_f1_are_those_of_scikit_learn():
    labels = np.minimum(RANDOM.geometric(0.5, 300) - 1, 6)
    logits = RANDOM.normal(size=(300, 7)) + np.eye(7)[labels]
    figures = scores(labels, logits)
    predicted = logits.argmax(1)
    assert figures["test_balanced_accuracy"] == pytest.approx(
        sklearn.metrics.balanced_accuracy_score(labels, predicted)
    )
    assert figures["test_macro_f1"] == pytest.approx(
        sklearn.metrics.f1_score(labels, predicted, average="macro")
    )
    assert figures["test_balanced_accuracy"] != figures["test_accuracy"]


def test_always_the_largest_class_is_of_no_worth_by_balanced_figures():
    labels = np.repeat([0, 1], [90, 10])
    figures = scores(labels, np.tile([1.0, 0.0], (100, 1)))
    assert figures["test_accuracy"] == 0.9
    assert figures["test_balanced_accuracy"] == 0.5
    # F1 of the first is 2 / (1 / 0.9 + 1 / 1), of the second 0.
    assert figures["test_macro_f1"] == pytest.approx(0.9 / 1.9)


def test_a_class_without_examples_has_no_figures_and_no_part_in_means():
    logits = [[2.0, 1.0, 0.0], [0.0, 1.0, 2.0], [1.0, 2.0, 0.0]]
    rows = per_class([0, 0, 1], logits, list("abc"))
    assert rows[2] == {
        "class": "c",
        "examples": 0,
        "precision": None,
        "recall": None,
        "f1": None,
    }
    figures = scores([0, 0, 1], logits)
    assert figures["test_balanced_accuracy"] == pytest.approx((1 / 2 + 1) / 2)
    assert figures["test_macro_f1"] == pytest.approx((2 / 3 + 1) / 2)
    assert np.shape(confusion([0], [[2.0, 1.0, 0.0]])) == (3, 3)
