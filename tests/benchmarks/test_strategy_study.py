"""The study of strategies on tables resumes, and makes its table."""

import json
import pathlib
import sys

import pytest

BENCHMARKS = pathlib.Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def study(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import strategies

    budgets = {"surrogate": {"num_candidates": 6}}
    monkeypatch.setattr(strategies, "BUDGETS", budgets)
    return strategies


def test_finished_searches_are_not_run_again(
    study, tmp_path, monkeypatch, capsys
):
    results = tmp_path / "results" / "strategies.jsonl"

    def table(seeds):
        command = ["strategies.py", "random", "evolution"]
        options = ["--evaluator=surrogate", f"--seeds={seeds}"]
        monkeypatch.setattr(
            sys, "argv", [*command, *options, f"--results={results}"]
        )
        study.main()
        return capsys.readouterr().out

    table(2)
    expected = table(3)
    rows = [json.loads(line) for line in results.read_text().splitlines()]
    assert len(rows) == 6
    assert all(len(row["curve"]) == study.POINTS for row in rows)
    assert all(row["curve"][-1] == round(row["found"], 4) for row in rows)
    # What was lost is found again.
    lines = results.read_text().splitlines(keepends=True)
    results.write_text("".join(lines[:2]))
    assert table(3) == expected
    monkeypatch.setattr(study, "run", None)
    assert table(3) == table(0) == expected
    found = [row["found"] for row in rows if row["strategy"] == "random"]
    assert f"| random | 3 | {sum(found) / 3:.3f} |" in expected
