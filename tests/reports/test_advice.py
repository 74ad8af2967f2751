"""What to try next: each rule applies when its figure says so."""

import made_runs
import numpy as np
import pytest

from tfdarts.reports.run_page import read_run


def advice_of(run):
    return [each["what"] for each in read_run(run)["advice"]]


def change_column(run, stage, name, values):
    path = run / stage / "metrics.csv"
    rows = [line.split(",") for line in path.read_text().splitlines()]
    columns = {key: column for key, *column in zip(*rows)}
    del columns["epoch"]
    made_runs.write_metrics(path, {**columns, name: values})


def has(advice, words):
    return any(words in each for each in advice)


def test_an_unfinished_search_is_resumed_by_its_command(tmp_path):
    made_runs.searched(tmp_path, state="stopped")
    first = read_run(tmp_path)["advice"][0]
    assert "again: it resumes after the last whole epoch" in first["what"]
    assert first["command"] == "tfdarts-search --epochs=3 '--run_dir=my r'"


def test_time_that_was_up_may_be_longer(tmp_path):
    made_runs.searched(tmp_path)
    path = tmp_path / "search" / "status.json"
    made_runs.write_json(
        path, {"state": "finished", "epoch": 3, "out_of_time": 1.0}
    )
    assert has(advice_of(tmp_path), "Give more --max_minutes")


@pytest.mark.parametrize(("skips", "collapsed"), [(2, False), (3, True)])
def test_many_skip_connections_are_a_collapse(tmp_path, skips, collapsed):
    made_runs.searched(tmp_path)
    change_column(tmp_path, "search", "skip_connections", [0, 0, skips])
    advice = advice_of(tmp_path)
    assert has(advice, "--early_stop=skips") == collapsed


def test_equal_alphas_have_not_decided(tmp_path):
    history = made_runs.searched(tmp_path)
    even = {k: np.full(v.shape, 1 / v.shape[-1]) for k, v in history.items()}
    made_runs.write_arrays(tmp_path / "search" / "probabilities.npz", even)
    assert has(advice_of(tmp_path), "a higher --alpha_learning_rate")


@pytest.mark.parametrize("unchanged", [0, 1])
def test_a_genotype_that_still_changes_needs_more_epochs(tmp_path, unchanged):
    made_runs.searched(tmp_path)
    change_column(tmp_path, "search", "epochs_unchanged", [0, 0, unchanged])
    assert has(advice_of(tmp_path), "averaged alphas") == (not unchanged)


@pytest.mark.parametrize(
    ("last", "rises"), [([0.5, 0.55], True), ([0.5, 0.505], False)]
)
def test_a_supernet_that_still_gets_better_needs_more_epochs(
    tmp_path, last, rises
):
    made_runs.searched(tmp_path, epochs=30)
    values = [0.4] * 20 + [0.5] * 8 + last
    change_column(tmp_path, "search", "validation_supernet_accuracy", values)
    change_column(tmp_path, "search", "epochs_unchanged", [5] * 30)
    whys = [each["why"] for each in read_run(tmp_path)["advice"]]
    said = "still rose, by 5.0 percentage points in the last 6 epochs."
    assert has(whys, said) == rises


@pytest.mark.parametrize(("epochs", "few"), [(24, True), (25, False)])
def test_few_epochs_are_few(tmp_path, epochs, few):
    made_runs.searched(tmp_path, epochs=epochs)
    change_column(
        tmp_path, "search", "validation_supernet_accuracy", [0.5] * epochs
    )
    assert has(advice_of(tmp_path), "Search with more --epochs.") == few


def test_a_late_best_candidate_calls_for_more(tmp_path):
    made_runs.proposed(tmp_path, count=12)
    assert not has(advice_of(tmp_path), "--num_candidates")
    trials = made_runs.proposed(tmp_path, count=12)
    trials[1], trials[10] = trials[10], trials[1]
    made_runs.write_trials(tmp_path / "search", trials)
    advice = read_run(tmp_path)["advice"]
    (late,) = [each for each in advice if "--num_candidates" in each["what"]]
    assert late["why"] == (
        "The best candidate, 11 of 12, is among the last fifth."
    )


def test_the_next_stage_has_its_command(tmp_path):
    made_runs.searched(tmp_path)
    (step,) = [a for a in read_run(tmp_path)["advice"] if a["command"]]
    assert step["command"] == (
        f"tfdarts-train --dataset=digits --run_dir={tmp_path}"
    )
    made_runs.trained(tmp_path, tested=False)
    (step,) = [a for a in read_run(tmp_path)["advice"] if a["command"]]
    assert step["command"] == f"tfdarts-evaluate --run_dir={tmp_path}"
    made_runs.trained(tmp_path)
    assert not [a for a in read_run(tmp_path)["advice"] if a["command"]]


def test_overfitting_and_rising_accuracy(tmp_path):
    made_runs.trained(tmp_path, epochs=20)
    advice = advice_of(tmp_path)
    assert has(advice, "Regularize more") and has(advice, "Train with more")
    change_column(tmp_path, "train", "validation_accuracy", [0.85] * 20)
    advice = advice_of(tmp_path)
    assert not has(advice, "Regularize") and not has(advice, "Train with more")


def test_confidence_without_accuracy(tmp_path):
    """Logits ten times as large leave the classes and harm calibration."""
    made_runs.trained(tmp_path)
    path = tmp_path / "evaluation" / "report.json"
    report = made_runs.json.loads(path.read_text())
    for scale, said in ((10, True), (0.7, False)):
        report["calibration"] = made_runs.scores.calibration(
            made_runs.LABELS, scale * made_runs.LOGITS
        )
        over = report["calibration"]["error"] > 0.05
        made_runs.write_json(path, report)
        assert has(advice_of(tmp_path), "probabilities as freq") == over
        assert over or not said


def test_a_weak_class_is_named(tmp_path):
    made_runs.trained(tmp_path)
    path = tmp_path / "evaluation" / "report.json"
    report = made_runs.json.loads(path.read_text())
    for row, recall in zip(report["classes"], (0.9, 0.9, 0.2)):
        row["recall"] = recall
    made_runs.write_json(path, report)
    whys = [each["why"] for each in read_run(tmp_path)["advice"]]
    name = made_runs.HOSTILE
    assert f"The recall of {name} is 20.0%, the mean of all classes 66.7%." in (
        whys
    )
