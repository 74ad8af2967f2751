"""The commands on a text, from the first to the last, at the keyboard."""

import json
import re

import pytest

from tfdarts.cli import evaluate_command
from tfdarts.cli import export_command
from tfdarts.cli import pipeline_command
from tfdarts.cli import predict_command
from tfdarts.cli import search_command
from tfdarts.cli import train_command
from tfdarts.cli import visualize_command

COMMANDS = {
    module.command.name: module.command
    for module in (
        search_command,
        train_command,
        evaluate_command,
        export_command,
        predict_command,
        visualize_command,
    )
}
TEXT = [
    "--dataset=text:rhyme.txt",
    *("--units=4", "--steps=6", "--batch_size=4", "--epochs=1"),
]
SEARCH = ["--order=1", "--num_nodes=2"]
TRAIN = ["--step_spread=1", "--learning_rate=1"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A directory with a text."""
    monkeypatch.chdir(tmp_path)
    lines = ["the cat sat on the mat", "the dog sat on the cat"] * 50
    (tmp_path / "rhyme.txt").write_text("\n".join(lines))
    return tmp_path


def following(printed):
    """The command that is said to be next, and its arguments."""
    line = printed.splitlines()[-1]
    assert line.startswith("Next: tfdarts-")
    _, name, *arguments = line.split(" ", 2)
    arguments = arguments[0].split(" ") if arguments else []
    return COMMANDS[name], [a.strip("'") for a in arguments]


def test_each_command_leads_to_the_next(capsys):
    assert search_command.command.main([*TEXT, *SEARCH, "--run_dir=run"]) == 0
    command, arguments = following(capsys.readouterr().out)
    assert command is train_command.command
    assert arguments == ["--run_dir=run", "--dataset=text:rhyme.txt"]
    assert command.main([*arguments, *TEXT[1:], *TRAIN]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^validation_perplexity: \d", printed, re.M)
    command, arguments = following(printed)
    assert command is evaluate_command.command and command.main(arguments) == 0
    printed = capsys.readouterr().out
    for name in ("test", "bigram", "trigram"):
        assert re.search(rf"^{name}_perplexity: \d", printed, re.M)
    command, arguments = following(printed)
    assert command is export_command.command and command.main(arguments) == 0
    command, arguments = following(capsys.readouterr().out)
    assert command is predict_command.command
    assert arguments == ["--export_dir=run/export/rhyme", "--text=WORDS"]
    assert command.main([arguments[0], "--text=the cat sat on the"]) == 0
    assert capsys.readouterr().out.startswith("next word  probability\n")
    assert visualize_command.command.main(["--run_dir=run"]) == 0
    assert "run/cells/recurrent.png" in capsys.readouterr().out


def test_a_pipeline_prints_perplexity_beside_that_of_counting(here, capsys):
    lines = [*TEXT[1:], *TRAIN]
    (here / "train.cfg").write_text("\n".join([TEXT[0], *lines]))
    flags = [*TEXT, *SEARCH, "--train_flagfile=train.cfg", "--run_dir=run"]
    assert pipeline_command.command.main(flags) == 0
    *printed, last = capsys.readouterr().out.splitlines()
    results = json.loads((here / "run/train/results.json").read_text())
    assert printed[:4] == [
        f"Test perplexity {results['test_perplexity']:.2f}",
        f"Bigram model    {results['bigram_perplexity']:.2f}",
        f"Trigram model   {results['trigram_perplexity']:.2f}",
        f"Parameters      {results['num_parameters']:,}",
    ]
    assert last == (
        "Next: tfdarts-predict --export_dir=run/export/rhyme --text=WORDS"
    )


def test_the_flagfile_of_a_training_must_be_for_the_same_data(here, capsys):
    for name, spec in (("digits", "digits"), ("rhyme", "text:rhyme.txt")):
        (here / f"{name}.cfg").write_text(f"--dataset={spec}\n--epochs=1\n")
    for flags, other in ((TEXT, "digits"), ([], "rhyme")):
        flags = [*flags, f"--train_flagfile={other}.cfg", "--run_dir=run"]
        for command in (search_command.command, pipeline_command.command):
            assert command.main(flags) == 2
            said = capsys.readouterr().err
            assert f"{other}.cfg is for" in said and "--train_flagfile" in said
    assert not (here / "run").exists()


def test_no_such_data_set_is_exit_code_3(capfd):
    flags = ["--dataset=tfds:nothing_here", "--units=4", "--run_dir=run"]
    assert search_command.command.main(flags) == 3
    said = capfd.readouterr().err
    assert said.startswith(
        "tfdarts-search: TensorFlow Datasets has no data set noth"
    )


def test_a_text_that_is_no_utf_8(capsys):
    assert (
        predict_command.command.main(["--text=\udcff", "--export_dir=x"]) == 2
    )
    assert "The text is not UTF-8" in capsys.readouterr().err


def test_nan_is_exit_code_5(capsys):
    flags = [*TEXT, "--learning_rate=1e30", "--run_dir=run"]
    assert search_command.command.main([*flags, *SEARCH]) == 5
    said = capsys.readouterr().err
    assert "rolling back" not in said and "so the run has diverged" in said
    assert train_command.command.main([*TRAIN, *flags, "--genotype=ENAS"]) == 5
    said = capsys.readouterr().err
    assert said.count("rolling back to the last whole epoch") == 3


@pytest.mark.parametrize(
    ("command", "flags", "code", "sentence"),
    [
        (
            search_command,
            ["--units=3"],
            2,
            "--units is for texts, but --dataset holds images",
        ),
        (
            search_command,
            [*TEXT, "--num_cells=3"],
            2,
            "--num_cells is for images",
        ),
        (search_command, [*TEXT, "--unit=3"], 2, "Did you mean --units?"),
        (search_command, ["--dataset=text:no.txt"], 3, "There is no text"),
        (
            search_command,
            [*TEXT, "--batch_size=3000"],
            3,
            "few for --batch_size=3000",
        ),
        (
            train_command,
            [*TEXT, *TRAIN, "--genotype=NASNet"],
            2,
            "There is no genotype",
        ),
        (
            train_command,
            [*TEXT, *TRAIN, "--cell=gru", "--genotype=ENAS"],
            2,
            "or leave",
        ),
        (
            train_command,
            [*TEXT, "--cell=gru"],
            2,
            "at most a quarter of --steps, 6.",
        ),
    ],
)
def test_what_cannot_be_is_a_sentence(command, flags, code, sentence, capsys):
    assert command.command.main([*flags, "--run_dir=run"]) == code
    printed, said = capsys.readouterr()
    assert sentence in said and "Traceback" not in said
    assert printed == ""


def test_the_last_data_set_decides(here, capsys):
    """As with any other flag, what stands later wins, flagfiles included."""
    (here / "a.cfg").write_text("--dataset=digits\n")
    flags = ["--flagfile=a.cfg", "--dataset", "text:rhyme.txt", "--units=4"]
    values, task = search_command.command.parse_arguments(flags)
    assert task.name == "texts" and values["units"].value == 4
    _, task = search_command.command.parse_arguments(
        [*flags[1:3], "--flagfile=a.cfg"]
    )
    assert task.name == "images"
