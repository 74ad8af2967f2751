"""Every command through its executable, on tiny settings, one after another."""

import json
import pathlib
import subprocess
import sys
import sysconfig

import keras
import numpy as np
import pytest

from tfdarts.data import digits

CONFIGS = pathlib.Path(__file__).parents[2] / "configs"

TINY_SEARCH = (
    "--flagfile=configs/digits.cfg",
    "--order=1",
    "--init_channels=2",
    "--num_nodes=1",
    "--epochs=1",
    "--batch_size=256",
)
TINY_TRAIN = (
    "--flagfile=configs/digits_train.cfg",
    "--init_channels=2",
    "--num_cells=3",
    "--epochs=1",
    "--batch_size=256",
)


def command(name, *arguments, cwd, expect=0):
    """Runs an installed command in a directory; returns its stdout, stderr."""
    program = pathlib.Path(sysconfig.get_path("scripts")) / name
    done = subprocess.run(
        [program, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == expect, done.stderr
    return done.stdout, done.stderr


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """An empty directory, as a newcomer has it."""
    return tmp_path_factory.mktemp("workplace")


@pytest.fixture(scope="module")
def searched(workplace):
    return command("tfdarts-search", *TINY_SEARCH, "--run_dir=r", cwd=workplace)


@pytest.fixture(scope="module")
def trained(workplace, searched):
    return command("tfdarts-train", *TINY_TRAIN, "--run_dir=r", cwd=workplace)


def test_search_prints_the_genotype_and_the_next_command(workplace, searched):
    stdout, stderr = searched
    saved = (workplace / "r" / "genotype.json").read_text()
    assert stdout.startswith(saved)
    costs, following = stdout.removeprefix(saved).splitlines(keepends=True)
    assert costs.startswith(
        "To predict the cost of the training: tfdarts-train --flagfile"
    )
    assert following.startswith("Next: tfdarts-train --flagfile=configs/")
    assert following.endswith("digits_train.cfg --run_dir=r\n")
    assert "epoch 1/1: loss" in stderr and "cuda" not in stderr.lower()


def test_visualize_draws_a_run_and_a_published_cell(workplace, searched):
    stdout, _ = command("tfdarts-visualize", "--run_dir=r", cwd=workplace)
    drawn = [workplace / line for line in stdout.splitlines()]
    pictures = [path for path in drawn if path.suffix != ".dot"]
    assert pictures
    assert [each for each in pictures if each.stat().st_size <= 1000] == []
    stdout, _ = command(
        "tfdarts-visualize",
        "--genotype=AmoebaNet",
        "--output_dir=drawn",
        cwd=workplace,
    )
    assert "drawn/normal.svg" in stdout.splitlines()


def test_train_evaluate_export(workplace, trained):
    stdout, _ = trained
    assert stdout.endswith("Next: tfdarts-evaluate --run_dir=r\n")
    stdout, _ = command("tfdarts-evaluate", "--run_dir=r", cwd=workplace)
    results = json.loads((workplace / "r/train/results.json").read_text())
    assert f"test_accuracy: {results['test_accuracy']:.6g}" in stdout
    for name in (
        "evaluation/confusion",
        "evaluation/reliability",
        "train/curves",
    ):
        assert (workplace / f"r/{name}.png").stat().st_size > 10_000
    stdout, _ = command("tfdarts-report", "--run_dir=r", cwd=workplace)
    assert stdout == "r/report.html\n"
    page = (workplace / "r/report.html").read_text()
    assert f"<strong>{results['test_accuracy']:.2%}</strong>" in page
    stdout, _ = command("tfdarts-export", "--run_dir=r", cwd=workplace)
    assert stdout == (
        "r/export/digits/1\n"
        "Next: tfdarts-predict --export_dir=r/export/digits --images=IMAGES\n"
    )
    images, _ = digits.read("test")
    keras.utils.save_img(workplace / "digit.png", images[0])
    arguments = "--export_dir=r/export/digits", "--images=*.png"
    stdout, stderr = command("tfdarts-predict", *arguments, cwd=workplace)
    assert stdout.splitlines()[1].startswith("digit.png  ") and not stderr


ONLY_TENSORFLOW = """
import sys

# What is not installed cannot be imported.
sys.modules.update(tfdarts=None, keras=None)
import numpy as np
import tensorflow as tf

loaded = tf.saved_model.load(sys.argv[1])
images = tf.constant(np.load(sys.argv[2]), tf.float32)
outputs = loaded.signatures["serving_default"](images=images)
np.save(sys.argv[3], outputs["probabilities"])
"""


@pytest.mark.slow
def test_tensorflow_alone_serves_the_network(workplace, trained):
    version, _ = command("tfdarts-export", "--run_dir=r", cwd=workplace)
    images, _ = digits.read("test")
    np.save(workplace / "images.npy", images[:20])
    subprocess.run(
        [
            sys.executable,
            "-c",
            ONLY_TENSORFLOW,
            version.splitlines()[0],
            "images.npy",
            "probabilities.npy",
        ],
        cwd=workplace,
        check=True,
    )
    model = keras.saving.load_model(workplace / "r/train/model.keras")
    network = model.get_layer("network")
    settings = json.loads((workplace / "r/train/config.json").read_text())
    inputs = (images[:20] / 255 - settings["mean"]) / settings["std"]
    logits = network.predict(inputs.astype("float32"), verbose=0)
    np.testing.assert_allclose(
        np.load(workplace / "probabilities.npy"),
        keras.ops.softmax(logits),
        atol=1e-5,
    )


@pytest.mark.slow
def test_pipeline_does_it_all(workplace):
    train = workplace / "train.cfg"
    own = [f"--flagfile={CONFIGS / 'digits_train.cfg'}", *TINY_TRAIN[1:]]
    train.write_text("# Tiny.\n" + "\n".join(own) + "\n")
    flags = (*TINY_SEARCH, "--train_flagfile=train.cfg", "--run_dir=whole")
    stdout, _ = command("tfdarts-pipeline", *flags, cwd=workplace)
    run = workplace / "whole"
    results = json.loads((run / "train" / "results.json").read_text())
    assert f"Test accuracy   {results['test_accuracy']:.2%}" in stdout
    assert "SavedModel      whole/export/digits/1" in stdout
    assert (run / "export/digits/1/saved_model.pb").exists()
    assert (run / "cells" / "normal.png").exists()

    again, stderr = command("tfdarts-pipeline", *flags, cwd=workplace)
    assert again == stdout
    assert stderr.count("already") == 4
    assert not (run / "export/digits/2").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--help"], 0, ""),
        (["--epoch=3"], 2, "Did you mean --epochs"),
        (["--dataset=nowhere", "--run_dir=bad"], 3, "no data set 'nowhere'"),
    ],
)
def test_exit_codes(workplace, arguments, code, sentence):
    _, stderr = command(
        "tfdarts-search", *arguments, cwd=workplace, expect=code
    )
    assert sentence in stderr and "Traceback" not in stderr
    assert not (workplace / "bad").exists()


def test_divergence_is_exit_code_5(workplace):
    _, stderr = command(
        "tfdarts-train",
        *TINY_TRAIN,
        "--genotype=random:0",
        "--learning_rate=1e30",
        "--clip_norm=1e30",
        "--epochs=3",
        "--run_dir=diverged",
        cwd=workplace,
        expect=5,
    )
    assert "has diverged" in stderr and "Traceback" not in stderr
