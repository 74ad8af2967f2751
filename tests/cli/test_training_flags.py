"""Flags of a training reach the training, and it is said who takes which."""

import dataclasses
import re

import pytest

import tfdarts
from tfdarts.cli import pipeline_command
from tfdarts.cli import search_command
from tfdarts.cli.command import settings_of
from tfdarts.cli.training_flags import stages_of_flags
from tfdarts.cli.training_flags import training_flags
from tfdarts.runs import pipeline as pipeline_module


def passed_on(arguments, monkeypatch):
    """The configs that the pipeline is called with."""
    calls = []

    def stub(*configs):
        calls.append(configs)
        return {
            "test_accuracy": 1.0,
            "test_perplexity": 1.0,
            "bigram_perplexity": 1.0,
            "trigram_perplexity": 1.0,
            "num_parameters": 1,
            "saved_model": "export/x/1",
        }

    monkeypatch.setattr(pipeline_module, "pipeline", stub)
    arguments = [*arguments, "--run_dir=run"]
    values, task = pipeline_command.command.parse_arguments(arguments)
    given = [name for name in values if values[name].present]
    more = {"given": given, "typed": given, "task": task}
    values = {**values.flag_values_dict(), **more}
    pipeline_command.run(values)
    (configs,) = calls
    return *configs, stages_of_flags(values)


def test_each_stage_gets_its_flags(tmp_path, monkeypatch):
    flagfile = tmp_path / "train.cfg"
    flagfile.write_text("--epochs=30\n--mixup=0.2\n--seed=9\n--num_cells=5\n")
    arguments = [
        "--epochs=2",
        "--seed=3",
        f"--train_flagfile={flagfile}",
        "--train_epochs=4",
        "--train_nesterov",
        "--train_portion=0.25",
    ]
    searching, training, lines = passed_on(arguments, monkeypatch)
    assert (searching.epochs, searching.train_portion) == (2, 0.25)
    assert (training.epochs, training.mixup, training.num_cells) == (4, 0.2, 5)
    assert training.nesterov and (searching.seed, training.seed) == (3, 3)
    assert [
        (line.split(": ")[0], {*line.split(": ")[1].split()}) for line in lines
    ] == [
        ("flags of both stages", {"--seed=3", "--run_dir=run"}),
        ("flags of the search", {"--epochs=2", "--train_portion=0.25"}),
        (
            "flags of the training",
            {
                f"--train_flagfile={flagfile}",
                "--train_epochs=4",
                "--train_nesterov=True",
            },
        ),
    ]


def test_texts_alike_and_a_number_of_epochs_is_enough(monkeypatch):
    arguments = ["--dataset=pydoc", "--train_epochs=3", "--train_cell=lstm"]
    searching, training, _ = passed_on(arguments, monkeypatch)
    assert isinstance(training, tfdarts.RNNTrainConfig)
    assert (training.epochs, training.cell) == (3, "lstm")
    assert training.dataset == searching.dataset == "pydoc"


@pytest.mark.parametrize(
    "command", [pipeline_command.command, search_command.command]
)
@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("--drop_path_rate=0", "give --train_drop_path_rate."),
        ("--train_drop_path_rate=2", "--train_drop_path_rate must be below 1."),
        ("--train_optimizer=x", "--train_optimizer must be one of sgd, adamw"),
        ("--train_epochs=x", "--train_epochs=x: it must be an integer."),
    ],
)
def test_what_cannot_be_is_said_of_the_flag_as_typed(
    command, argument, sentence
):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        values, task = command.parse_arguments([argument])
        settings_of(training_flags(task), values.flag_values_dict())


@pytest.mark.parametrize("more", [[], ["--dry_run"]])
@pytest.mark.parametrize("in_file", [False, True])
def test_a_search_refuses_idle_flags_of_its_training(
    in_file, more, tmp_path, capsys
):
    flags = ["--train_momentum=0.5", "--train_optimizer=adamw", *more]
    if in_file:
        path = tmp_path / "train.cfg"
        path.write_text("--optimizer=adamw")
        flags[1] = f"--train_flagfile={path}"
    command = dataclasses.replace(
        search_command.command, needs_tensorflow=False
    )
    run_dir = tmp_path / "run"
    assert command.main([*flags, f"--run_dir={run_dir}"]) == 2
    said = capsys.readouterr().err
    sentence = "--momentum=0.5 has no effect with --optimizer=adamw: give --o"
    if in_file:
        assert f"whose own flags begin with --train_: {sentence}" in said
    else:
        assert sentence.replace("--", "--train_") in said
    assert not run_dir.exists()


def test_settings_that_do_not_fit_are_said_of_the_training(monkeypatch):
    flags = ["--train_epochs=2", "--train_warmup_epochs=3"]
    with pytest.raises(ValueError, match="^Settings of the training: --warmup"):
        passed_on(flags, monkeypatch)
