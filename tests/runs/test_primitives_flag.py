"""Searches that choose from some of the primitives, or from one's own."""

import dataclasses
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny_text
from tiny_search import TINY
from tiny_training import TRAINING

import tfdarts
from tfdarts.cli.pipeline_command import main as run_pipeline
from tfdarts.cli.search_command import main as run_search
from tfdarts.genotypes import PRIMITIVES
from tfdarts.genotypes import RECURRENT_PRIMITIVES
from tfdarts.runs.visualize import draw_run

FLAGS = (
    *("--preset=paper", "--order=1", "--init_channels=2", "--num_cells=3"),
    *("--num_nodes=1", "--epochs=1", "--batch_size=256"),
)


def recorded(run_dir):
    return json.loads((run_dir / "search" / "config.json").read_text())


def alpha_shapes(run_dir):
    with np.load(run_dir / "search" / "alphas.npz") as file:
        return {name: values.shape[1:] for name, values in file.items()}


@pytest.mark.parametrize(
    "config, names",
    [
        (tfdarts.SearchConfig, PRIMITIVES),
        (tfdarts.RNNSearchConfig, RECURRENT_PRIMITIVES),
    ],
)
def test_the_default_is_the_space_of_the_paper(config, names):
    assert config().primitives == "paper"
    assert config(primitives=names).primitives == "paper"
    assert config(primitives=",".join(names)).primitives == "paper"
    assert config(primitives=names[::-1]).primitives == ",".join(names[::-1])


def test_a_subset_is_searched_recorded_and_drawn(tmp_path, capsys):
    words = (*FLAGS, f"--run_dir={tmp_path}")
    subset = "--primitives=sep_conv_7x7, none"
    assert run_search([*words, subset]) == 0
    genotype = tfdarts.Genotype.load(tmp_path / "genotype.json")
    assert {name for name, _ in genotype.normal} == {"sep_conv_7x7"}
    assert recorded(tmp_path)["primitives"] == "sep_conv_7x7,none"
    assert alpha_shapes(tmp_path) == {"normal": (2, 2), "reduce": (2, 2)}
    drawn = {path.name for path in draw_run(tmp_path)}
    assert {"alphas_normal.png", "normal.png", "collapse.png"} <= drawn
    capsys.readouterr()
    # The flags that the run keeps are those of the run.
    flagfile = f"--flagfile={tmp_path}/search/flags.cfg"
    assert run_search([flagfile, f"--run_dir={tmp_path}"]) == 0
    assert "already finished" in capsys.readouterr().err
    for other in ([], ["--primitives=none,sep_conv_7x7"]):
        assert run_search([*words, *other]) == 2
        assert (
            "primitives: sep_conv_7x7,none recorded" in capsys.readouterr().err
        )


def test_one_primitive_alone_is_a_choice_of_predecessors(tmp_path):
    config = dataclasses.replace(
        TINY, epochs=1, primitives=["max_pool_3x3"], run_dir=tmp_path
    )
    genotype = tfdarts.search(config)
    assert {name for name, _ in genotype.reduce} == {"max_pool_3x3"}


def test_activations_of_a_recurrent_cell(tmp_path):
    config = dataclasses.replace(
        tiny_text.SEARCH, epochs=1, primitives="relu,none", run_dir=tmp_path
    )
    genotype = tfdarts.search(config)
    assert [name for name, _ in genotype.recurrent] == ["relu", "relu"]
    assert alpha_shapes(tmp_path) == {"recurrent": (3, 2)}
    assert draw_run(tmp_path)


@pytest.mark.slow
def test_own_primitive_from_data_to_prediction(tmp_path):
    def conv_1x1(filters, strides, search, name=None, dtype=None):
        return keras.Sequential(
            [
                keras.layers.Conv2D(filters, 1, strides, dtype=dtype),
                keras.layers.BatchNormalization(
                    scale=not search, center=not search, dtype=dtype
                ),
            ],
            name=name,
        )

    tfdarts.register_primitive("conv_1x1", conv_1x1)
    results = tfdarts.pipeline(
        dataclasses.replace(
            TINY, epochs=1, primitives=["conv_1x1"], run_dir=tmp_path
        ),
        dataclasses.replace(TRAINING, genotype=None, run_dir=tmp_path),
    )
    assert results["multiply_adds"] > 0
    said = tf.saved_model.load(results["saved_model"])
    assert said.signatures


@pytest.mark.parametrize(
    "names, sentence",
    [
        ("none", "at least one besides 'none'. Received: ['none']"),
        ("", "at least one besides 'none'. Received: []"),
        ("tanh", "must be different names out of none, max_pool_3x3"),
        ("sep_conv_3x3,sep_conv_3x3", "--primitives must be different"),
    ],
)
@pytest.mark.parametrize("command", [run_search, run_pipeline])
def test_unfit_names_are_refused_before_work(
    tmp_path, capsys, command, names, sentence
):
    flag = f"--primitives={names}"
    assert command([*FLAGS, flag, f"--run_dir={tmp_path}"]) == 2
    assert sentence in capsys.readouterr().err
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    "rule, names, sentence",
    [
        ("skips", "none,sep_conv_3x3", "leaves skip_connect out"),
        ("stable", "skip_connect,sep_conv_3x3", "holds 1 of them"),
    ],
)
def test_an_early_stop_needs_what_it_looks_at(rule, names, sentence):
    with pytest.raises(ValueError, match=sentence):
        tfdarts.SearchConfig(early_stop=rule, primitives=names)
