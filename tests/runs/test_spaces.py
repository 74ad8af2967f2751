"""Searches in other spaces, from data to an exported model."""

import json
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfdarts
from tfdarts.cli.evaluate_command import main as evaluate
from tfdarts.cli.export_command import main as export
from tfdarts.cli.search_command import main as search
from tfdarts.cli.train_command import main as train
from tfdarts.search_spaces.hierarchical import HierarchicalSearchSpace
from tfdarts.search_spaces.nas_bench_201 import NASBench201SearchSpace
from tfdarts.search_spaces.nasnet import NASNetSearchSpace
from tfdarts.search_spaces.s1_to_s4 import S1

SIZES = ("--preset=paper", "--init_channels=2", "--num_cells=3")
SHORT = ("--epochs=1", "--batch_size=256")
SEARCH = (*SIZES, *SHORT, "--order=1")
TRAIN = (*SIZES, *SHORT, "--auxiliary_weight=0")


def recorded(path):
    return json.loads((path / "config.json").read_text())


@pytest.mark.slow
def test_nas_bench_201_from_data_to_an_exported_model(tmp_path, capsys):
    run = f"--run_dir={tmp_path}"
    assert search([*SEARCH, "--space=nas_bench_201", run]) == 0
    genotype = tfdarts.Genotype.load(tmp_path / "genotype.json")
    assert genotype in NASBench201SearchSpace()
    settings = recorded(tmp_path / "search")
    assert (settings["space"], settings["num_nodes"]) == ("nas_bench_201", 3)
    with np.load(tmp_path / "search" / "probabilities.npz") as file:
        assert file["cell"].shape == (2, 6, 5)
    cells = tmp_path / "cells"
    for name in ("cell.dot", "alphas_cell_over_time.png", "collapse.png"):
        assert (cells / name).exists()
    assert search([*SEARCH, run]) == 2
    assert "space: nas_bench_201 recorded, darts" in capsys.readouterr().err
    # The genotype says what it is, so its training needs no --space.
    assert train([*TRAIN, run]) == 0
    model = keras.models.load_model(tmp_path / "train" / "model.keras")
    assert model.get_layer("network").genotype == genotype
    assert export([run]) == 0
    (version,) = (tmp_path / "export" / "digits").glob("1")
    assert tf.saved_model.load(str(version)).signatures


def test_the_cost_of_a_search_and_of_its_training(capsys):
    assert search([*SEARCH, "--space=nas_bench_201", "--dry_run"]) == 0
    words = "--genotype=random:0 --space=nas_bench_201"
    assert words in capsys.readouterr().out


def test_a_random_genotype_of_a_space_is_trained(tmp_path):
    run = f"--run_dir={tmp_path}"
    words = "--genotype=random:0", "--space=nas_bench_201"
    assert train([*TRAIN, *words, run]) == 0
    drawn = recorded(tmp_path / "train")["genotype"]
    expected = NASBench201SearchSpace().sample(0)
    assert tfdarts.Genotype.from_dict(drawn) == expected


@pytest.mark.slow
def test_a_random_search_in_the_space_of_nasnet(tmp_path):
    flags = (*TRAIN, "--strategy=random", "--num_candidates=1")
    run = f"--run_dir={tmp_path}"
    assert search([*flags, "--space=nasnet", run]) == 0
    genotype = tfdarts.Genotype.load(tmp_path / "genotype.json")
    assert genotype in NASNetSearchSpace()
    assert (tmp_path / "cells" / "reduce.dot").exists()


@pytest.mark.slow
def test_a_search_in_s1(tmp_path):
    flags = (*SEARCH, "--space=s1", "--num_nodes=1")
    assert search([*flags, f"--run_dir={tmp_path}"]) == 0
    assert tfdarts.Genotype.load(tmp_path / "genotype.json") in S1(1)
    with np.load(tmp_path / "search" / "probabilities.npz") as file:
        for name in ("normal", "reduce"):
            assert ((file[name] > 0) == S1(1).mask(name)).all()


@pytest.mark.slow
def test_hierarchical_evolution_from_data_to_an_exported_model(tmp_path):
    run = f"--run_dir={tmp_path}"
    flags = (*TRAIN, "--strategy=hierarchical_evolution", "--num_candidates=3")
    few = "--population=2", "--num_nodes=2", run
    assert search([*flags, *few]) == 0
    genotype = tfdarts.Genotype.load(tmp_path / "genotype.json")
    assert genotype in HierarchicalSearchSpace(2)
    assert recorded(tmp_path / "search")["space"] == "hierarchical"
    dot = (tmp_path / "cells" / "cell_of_motifs.dot").read_text()
    used = {name for name, _ in genotype.cell_of_motifs} - {"none"}
    assert {*re.findall(r"subgraph cluster_(\w+)", dot)} == used
    assert train([*TRAIN, run]) == 0
    model = keras.models.load_model(tmp_path / "train" / "model.keras")
    assert model.get_layer("network").genotype == genotype
    assert evaluate([run]) == 0
    assert export([run]) == 0
    (version,) = (tmp_path / "export" / "digits").glob("1")
    assert tf.saved_model.load(str(version)).signatures
