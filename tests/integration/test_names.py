"""Names from outside mean themselves, through every command."""

import json
import os
import shlex
import unicodedata

import numpy as np
import pytest
from PIL import Image

from tfdarts import genotypes
from tfdarts.cli import evaluate_command
from tfdarts.cli import export_command
from tfdarts.cli import pipeline_command
from tfdarts.cli import predict_command
from tfdarts.cli import search_command
from tfdarts.cli import select_command
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
    )
}

# Patterns, formulas, markup, formats, quotes, comments, scripts.
SIGNS = "[0.1] [!x] * ? {a,b} {0} $x$ \\n % %s : \" ' < <i> > | & ; # ~ ` ="
SCRIPTS = "é e\u0301 😀 שלום سلام 猫"
NAME = f"lr={SIGNS} {SCRIPTS}"
CLASSES = (
    "under $10 and $5",
    f"e\u0301 {SIGNS}",
    f"\\frac{{$ **b** _i_ `c` [l](u) {SCRIPTS}",
)
IMAGE = f"1,2 {SIGNS} {SCRIPTS}.png"

pytestmark = pytest.mark.slow


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A directory with such a name."""
    path = tmp_path / NAME
    path.mkdir()
    monkeypatch.chdir(tmp_path)
    return path


def fill(directory, count, form, seed):
    """Writes images, the brighter the later their class."""
    random = np.random.default_rng(seed)
    for place, name in enumerate(CLASSES):
        folder = directory / unicodedata.normalize(form, name)
        folder.mkdir(parents=True)
        for number in range(count):
            pixels = random.integers(60 * place, 60 * place + 60, (8, 8))
            image = Image.fromarray(pixels.astype("uint8"))
            image.save(folder / f"{number}{IMAGE}")


def done(command, *arguments):
    """Runs a command in this process; it must succeed."""
    assert command.main([*arguments]) == 0


def following(capsys):
    """Runs what a command says to type next, as a shell would read it."""
    printed, said = capsys.readouterr()
    assert "drawing failed" not in said and "Warning" not in said
    start, name, *arguments = shlex.split(printed.splitlines()[-1])
    assert start == "Next:"
    return COMMANDS[name], arguments


def interrupted(stage):
    """Lets a finished stage seem to have been killed after its last epoch."""
    path = stage / "status.json"
    status = json.loads(path.read_text())
    path.write_text(json.dumps({**status, "state": "running"}))


def trained(config):
    """Stands for the training of a candidate."""
    os.makedirs(config.run_dir)
    return {
        "validation_accuracy": 0.5,
        "validation_loss": 0.5,
        "num_parameters": 1,
    }


def test_images(place, capsys, monkeypatch):
    fill(place / "data" / "train", 12, "NFD", 0)
    fill(place / "data" / "test", 4, "NFC", 1)
    flagfile = place / "train.cfg"
    flagfile.write_text(
        "--init_channels=2\n--num_cells=3\n--epochs=1\n--batch_size=12\n"
        "--auxiliary_weight=0\n--drop_path_rate=0\n--learning_rate=0.1\n"
    )
    run = place / "run"
    searching = [
        *(f"--dataset=folder:{place}/data", f"--run_dir={run}", "--order=1"),
        *("--init_channels=2", "--num_cells=3", "--num_nodes=1"),
        *("--epochs=1", "--batch_size=12", f"--train_flagfile={flagfile}"),
    ]
    done(search_command.command, *searching, "--tensorboard")
    command, arguments = following(capsys)
    assert command is train_command.command

    history = (run / "search" / "alphas.npz").read_bytes()
    interrupted(run / "search")
    (run / "genotype.json").unlink()
    done(search_command.command, *searching, "--tensorboard")
    assert (run / "search" / "alphas.npz").read_bytes() == history
    assert (run / "genotype.json").exists()

    done(visualize_command.command, f"--run_dir={run}")
    out = place / "cells"
    done(visualize_command.command, f"--genotype={run}", f"--output_dir={out}")
    assert (out / "normal.png").stat().st_size > 1000

    done(command, *arguments)
    command, arguments = following(capsys)
    done(command, *arguments)
    names = [unicodedata.normalize("NFC", name) for name in sorted(CLASSES)]
    report = json.loads((run / "evaluation" / "report.json").read_text())
    assert sorted(row["class"] for row in report["classes"]) == sorted(names)
    assert sorted(p.name for p in (run / "evaluation").glob("*.png")) == [
        *("confusion.png", "reliability.png"),
    ]

    command, arguments = following(capsys)
    done(command, *arguments)
    command, arguments = following(capsys)
    assert command is predict_command.command
    version = run / "export" / "data" / "1"
    labels = (version / "assets" / "labels.txt").read_text(encoding="utf-8")
    assert sorted(labels.splitlines()) == sorted(names)
    assert (version / "cells" / "normal.png").exists()
    chosen = place / "data" / "test" / names[0] / f"0{IMAGE}"
    for images in (chosen, f"{place}/data/test/*/0*.png"):
        done(command, arguments[0], f"--images={images}", "--format=json")
        said = json.loads(capsys.readouterr().out)
        assert {row["label"] for row in said} <= {*names}
        assert str(chosen) in [row["image"] for row in said]
    assert len(said) == len(CLASSES)

    done(pipeline_command.command, *searching)
    assert str(version) in capsys.readouterr().out

    monkeypatch.setattr("tfdarts.runs.train.train", trained)
    done(
        select_command.command,
        *(f"--dataset=folder:{place}/data", f"--run_dir={place}/chosen"),
        *(f"--run_dirs={run},random:0", "--validation_portion=0.2"),
    )
    assert genotypes.Genotype.load(place / "chosen" / "genotype.json")


def test_words(place, capsys):
    words = [*SIGNS.split(), *SCRIPTS.split(), "\u200b"]
    lines = [" ".join(words[k:] + words[:k]) for k in range(len(words))] * 8
    (place / "text.txt").write_text("\n".join(lines), encoding="utf-8")
    cell = genotypes.Genotype(
        recurrent=[("tanh", 0)], recurrent_concat=[1], name=NAME
    )
    cell.save(place / "cell.json")
    done(
        train_command.command,
        *(f"--dataset=text:{place}/text.txt", f"--run_dir={place}/run"),
        *(f"--genotype={place}/cell.json", "--units=4", "--steps=6"),
        *("--batch_size=4", "--epochs=1", "--step_spread=1"),
    )
    command, arguments = following(capsys)
    done(command, *arguments)
    command, arguments = following(capsys)
    done(command, *arguments)
    command, arguments = following(capsys)
    text = " ".join(words)
    done(command, arguments[0], f"--text={text}", "--format=json")
    said = json.loads(capsys.readouterr().out)
    assert said["text"] == text and said["num_words"] == len(words)
    version = place / "run" / "export" / "text" / "1"
    file = version / "assets" / "vocabulary.txt"
    vocabulary = file.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    assert {*words} <= {*vocabulary}
    assert {row["word"] for row in said["next_words"]} <= {*vocabulary}
    assert os.path.getsize(version / "cells" / "recurrent.png") > 1000
