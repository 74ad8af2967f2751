"""What evaluate and select print."""

import pytest

from tfdarts.cli import select_command
from tfdarts.runs import select as select_module
from tfdarts.table import table
from tfdarts.tasks.image_tables import class_table


def classes(count):
    """Classes, each found a little less often than the one before."""
    return [
        {
            "class": f"class {k}",
            "examples": 1000,
            "precision": 0.5,
            "recall": 1 - k / 1000,
            "f1": 0.25,
        }
        for k in range(count)
    ]


@pytest.mark.parametrize("count", [2, 20])
def test_few_classes_are_all_in_the_table(count):
    lines = class_table(classes(count)).splitlines()
    assert lines[0].split() == ["class", "images", "precision", "recall", "F1"]
    assert len(lines) == count + 1
    assert lines[1].split()[2:] == ["1,000", "50.00%", "100.00%", "25.00%"]


def test_of_many_classes_it_is_those_found_least_often():
    lines = class_table(classes(100)).splitlines()
    assert lines[0] == "The 20 classes with the lowest recall:"
    names = [line[: len("class 99")] for line in lines[2:]]
    assert names == [f"class {k}" for k in range(99, 79, -1)]


def test_classes_without_test_images_are_named_apart():
    absent = {"class": "emu", "examples": 0, "recall": None}
    said, *lines = class_table([absent, *classes(2)]).splitlines()
    assert said.startswith("Classes without test") and said.endswith(": emu")
    assert len(lines) == 3


def test_a_weighted_selection_prints_balanced_accuracy(monkeypatch, capsys):
    ranking = [
        {
            "candidate": "a",
            "validation_accuracy": 0.9,
            "validation_balanced_accuracy": 0.5,
            "validation_loss": 0.25,
            "num_parameters": 7,
        }
    ]
    monkeypatch.setattr(select_module, "select", lambda config: ranking)
    arguments = ["--run_dirs=a,b", "--run_dir=out", "--class_weights=balanced"]
    values, task = select_command.command.parse_arguments(arguments)
    asked = {"arguments": arguments, "task": task}
    select_command.run({**values.flag_values_dict(), **asked})
    head, row, *_, following = capsys.readouterr().out.splitlines()
    assert "validation balanced accuracy" in head and "50.00%" in row
    assert "--class_weights=balanced" in following


def test_a_selection_prints_its_ranking(monkeypatch, capsys):
    ranking = [
        {
            "candidate": name,
            "validation_accuracy": accuracy,
            "validation_loss": 0.25,
            "num_parameters": 3349342,
        }
        for name, accuracy in (("b", 0.9), ("a", 0.8))
    ]
    monkeypatch.setattr(select_module, "select", lambda config: ranking)
    arguments = ["--run_dirs=a,b", "--run_dir=out"]
    values, task = select_command.command.parse_arguments(arguments)
    asked = {"arguments": arguments, "task": task}
    select_command.run({**values.flag_values_dict(), **asked})
    head, first, second, where, following = capsys.readouterr().out.splitlines()
    assert head.split() == [
        *("candidate", "validation", "accuracy", "loss", "parameters")
    ]
    assert first.split() == ["b", "90.00%", "0.2500", "3,349,342"]
    assert second.split()[0] == "a"
    assert where == "Genotype of the best: out/genotype.json"
    assert following == "Next: tfdarts-train --run_dir=out"


def test_columns_are_as_wide_as_a_terminal_shows_them():
    rows = [("猫", "1"), ("e\u0301", "20"), ("cat", "3")]
    assert table(("name", "count"), rows).splitlines()[1:] == [
        *("猫        1", "e\u0301        20", "cat       3"),
    ]
