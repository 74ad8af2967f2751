"""An evaluator that knows one search space sets and guards --space."""

import pytest

import tfdarts
from tfdarts.cli import search_command
from tfdarts.evaluators.nas_bench_201_table import row_of
from tfdarts.records.trials import read_trials


def config_of(**settings):
    return tfdarts.search_config("random", **settings)


def test_an_evaluator_chooses_its_space():
    config = config_of(evaluator="nas_bench_201")
    assert config.search_space.name == "nas_bench_201"
    assert config_of(evaluator="surrogate").space == "darts"


def test_a_part_of_the_space_is_known():
    assert config_of(evaluator="surrogate", space="s3").space == "s3"
    few = "none,nor_conv_3x3"
    config = config_of(evaluator="nas_bench_201", primitives=few)
    assert config.search_space.size == 2**6


@pytest.mark.parametrize(
    ("evaluator", "settings"),
    [
        ("nas_bench_201", {"space": "darts"}),
        ("nas_bench_201", {"num_nodes": 4}),
        ("surrogate", {"space": "s4"}),
        ("surrogate", {"num_nodes": 3}),
    ],
)
def test_other_cells_are_refused(evaluator, settings):
    message = f"evaluator {evaluator} knows only the genotypes of --space="
    with pytest.raises(ValueError, match=message):
        config_of(evaluator=evaluator, **settings)


def test_texts_are_refused():
    message = "nas_bench_201 knows only a cell of NAS-Bench-201, which is not"
    with pytest.raises(ValueError, match=message):
        config_of(evaluator="nas_bench_201", dataset="pydoc")


def test_a_search_in_a_table_takes_the_seconds_of_the_table(tmp_path):
    config = config_of(
        evaluator="nas_bench_201", num_candidates=3, run_dir=str(tmp_path)
    )
    genotype = tfdarts.search(config)
    trials = read_trials(tmp_path / "search")
    rows = [row_of(trial.genotype) for trial in trials]
    assert [trial.seconds for trial in trials] == [row.seconds for row in rows]
    best = max(trials, key=lambda trial: trial.score)
    assert genotype == best.genotype
    assert best.score == max(row.validation_accuracy for row in rows)


def test_help_of_an_evaluator_has_its_space(capsys):
    given = ["--strategy=random", "--evaluator=nas_bench_201"]
    assert search_command.main([*given, "--help"]) == 0
    said = capsys.readouterr().out
    assert "  --space=TEXT (default nas_bench_201)\n" in said
    assert "Flags for a --dataset of texts" not in said
    assert search_command.main([*given, "--dataset=pydoc", "--run_dir=r"]) == 2
    assert "which is not for texts" in capsys.readouterr().err
