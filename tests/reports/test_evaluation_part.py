"""Test results of the page against scikit-learn, loops and closed forms."""

import math

import made_runs
import numpy as np
import pytest
import scipy.special
import sklearn.metrics
from parsed_page import ParsedPage

import tfdarts
from tfdarts.reports.evaluation_part import accuracy_interval
from tfdarts.reports.evaluation_part import evaluation_part
from tfdarts.reports.run_files import RunFiles

LABELS, LOGITS = made_runs.LABELS, made_runs.LOGITS


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("run")
    made_runs.trained(path)
    return path


@pytest.fixture(scope="module")
def page(run):
    return ParsedPage(tfdarts.report(run).read_text())


def test_the_matrix_is_that_of_scikit_learn(page):
    expected = sklearn.metrics.confusion_matrix(LABELS, LOGITS.argmax(1))
    header, *rows = page.rows_of("Confusion matrix")
    assert header[1:] == [row[0] for row in rows] == [*made_runs.NAMES]
    found = [[int(count) for count in row[1:]] for row in rows]
    assert found == expected.tolist()
    (caption,) = page.all("caption")
    assert f"{np.trace(expected)} of 60 right" in caption["text"]


def test_classes_are_those_of_scikit_learn(page):
    expected = sklearn.metrics.precision_recall_fscore_support(
        LABELS, LOGITS.argmax(1)
    )
    _, *rows = page.rows_of("Classes")
    found = np.array([row[1:] for row in rows], float)
    columns = [expected[3], *expected[:3]]
    np.testing.assert_allclose(found, np.transpose(columns), atol=5e-5)


def test_mistakes_are_the_largest_fields_off_the_diagonal(run):
    matrix = sklearn.metrics.confusion_matrix(LABELS, LOGITS.argmax(1))
    wrong = matrix - np.diag(np.diag(matrix))
    mistakes = evaluation_part(RunFiles(run), {})["mistakes"]
    found = [each["count"] for each in mistakes]
    assert found == sorted(wrong[wrong > 0].tolist(), reverse=True)
    first = mistakes[0]
    row, column = (
        made_runs.NAMES.index(first[name]) for name in ("true", "predicted")
    )
    assert wrong[row, column] == first["count"] == wrong.max()
    assert first["of"] == np.sum(LABELS == row)


def test_calibration_is_that_of_loops(run, page):
    """The error and the signed gap, by Guo et al.'s equation 3."""
    p = scipy.special.softmax(LOGITS, axis=1)
    error = gap = 0.0
    bins = []
    for k in range(15):
        inside = [
            (row.max(), row.argmax() == label)
            for row, label in zip(p, LABELS)
            if k / 15 < row.max() <= (k + 1) / 15
        ]
        if inside:
            confidence, accuracy = np.mean(inside, axis=0)
            error += len(inside) / 60 * abs(accuracy - confidence)
            gap += len(inside) / 60 * (confidence - accuracy)
            bins.append([len(inside), 100 * confidence, 100 * accuracy])
    found = evaluation_part(RunFiles(run), {})["calibration"]
    assert found["error"] == pytest.approx(error)
    assert found["gap"] == pytest.approx(gap)
    _, *rows = page.rows_of("Numbers: reliability")
    shown = np.array([row[1:] for row in rows], float)
    np.testing.assert_allclose(shown, bins, atol=0.0051)
    said = [p["text"] for p in page.all("p") if "calibration err" in p["text"]]
    assert f"{100 * error:.2f}% with 15 bins" in said[0]


def test_bars_are_as_high_as_the_accuracy(page, run):
    bars = page.all("rect", class_="bar")
    bins = evaluation_part(RunFiles(run), {})["calibration"]["bins"]
    full = [each for each in bins if each["count"]]
    heights = [float(bar["attributes"]["height"]) for bar in bars]
    assert len(bars) == len(full) > 3
    accuracies = [each["accuracy"] for each in full]
    expected = 188 * np.array(accuracies)  # The chart without its margins.
    np.testing.assert_allclose(heights, expected, atol=0.06)


@pytest.mark.parametrize(("right", "count"), [(90, 100), (359, 360), (0, 5)])
def test_the_interval_is_wilsons_closed_form(right, count):
    z, p = 1.959963984540054, right / count
    middle = p + z * z / (2 * count)
    half = z * math.sqrt(p * (1 - p) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    figures = {"test_accuracy": p, "test_examples": count}
    assert accuracy_interval(figures) == pytest.approx(
        ((middle - half) / scale, (middle + half) / scale), abs=1e-12
    )


def test_without_a_test_there_is_no_part(tmp_path):
    made_runs.trained(tmp_path, tested=False)
    assert evaluation_part(RunFiles(tmp_path), {"num_parameters": 1}) is None


def test_results_without_details_say_what_is_missing(tmp_path):
    """As an old version left them."""
    made_runs.trained(tmp_path)
    (tmp_path / "evaluation" / "report.json").unlink()
    page = ParsedPage(tfdarts.report(tmp_path).read_text())
    notes = [p["text"] for p in page.all("p", class_="note")]
    assert any("evaluation/report.json" in note for note in notes)
    assert not page.all("rect", class_="bar")


def test_a_matrix_of_another_size_is_named(tmp_path):
    made_runs.trained(tmp_path)
    path = tmp_path / "evaluation" / "report.json"
    made_runs.write_json(
        path,
        {"test_loss": 1.0, "classes": [{"class": "a"}], "confusion": [[1, 2]]},
    )
    files = RunFiles(tmp_path)
    assert evaluation_part(files, {})["confusion"] is None
    assert files.notes == [
        "The confusion matrix cannot be shown: its size is not the number of "
        "classes."
    ]


def test_of_many_classes_the_mistakes_are_listed(tmp_path):
    made_runs.trained(tmp_path)
    names = [f"class {k}" for k in range(31)]
    labels = np.arange(62) % 31
    logits = 9.0 * np.eye(31)[labels]
    logits[3] = 9.0 * np.eye(31)[7]
    made_runs.write_json(
        tmp_path / "evaluation" / "report.json",
        {
            **made_runs.scores.scores(labels, logits),
            "classes": made_runs.scores.per_class(labels, logits, names),
            "confusion": made_runs.scores.confusion(labels, logits),
        },
    )
    page = ParsedPage(tfdarts.report(tmp_path).read_text())
    assert not page.all("table", class_="confusion")
    items = [li["text"] for li in page.all("li")]
    assert "class 3, predicted as class 7: 1 of 2" in items
