"""Noise, the operation of S4, in layers, supernets and searches."""

import numpy as np
import pytest
from tiny_search import TINY

import tfdarts
from tfdarts.layers.noise import Noise
from tfdarts.models.multiply_adds import multiply_adds
from tfdarts.replicas import part_of_batch
from tfdarts.search_spaces.s1_to_s4 import S4

ZEROS = np.zeros((64, 9, 8, 4), "float32")


@pytest.mark.parametrize("strides", [1, 2])
def test_noise_is_standard_normal_and_new_in_each_call(strides):
    layer = Noise(strides, seed=0)
    first, second = (layer(ZEROS).numpy() for _ in range(2))
    assert first.shape == layer.compute_output_shape(ZEROS.shape)
    assert abs(first.mean()) < 0.05 and abs(first.std() - 1) < 0.05
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.05
    np.testing.assert_array_equal(Noise(strides, seed=0)(ZEROS), first)


def test_parts_of_a_batch_have_their_rows_of_its_noise():
    whole = Noise(seed=0)(ZEROS)
    for index in range(2):
        with part_of_batch(index, 2):
            part = Noise(seed=0)(ZEROS[:32])
        rows = whole[32 * index :][:32]
        np.testing.assert_array_equal(part, rows)


def test_a_network_with_noise_counts_only_what_learns():
    edges = [("noise", 0), ("sep_conv_3x3", 1)]
    genotype = tfdarts.Genotype(edges, [2], edges, [2])
    network = tfdarts.CNNNetwork(genotype, 2, 3, 3, (8, 8, 1))
    without = [("none", 0), ("sep_conv_3x3", 1)]
    other = tfdarts.CNNNetwork(
        tfdarts.Genotype(without, [2], without, [2]), 2, 3, 3, (8, 8, 1)
    )
    assert multiply_adds(network) > 0
    assert network.count_params() >= other.count_params()


@pytest.mark.slow
def test_a_search_in_s4_resumes_with_its_noise(tmp_path):
    settings = {
        name: value
        for name, value in vars(TINY).items()
        if name not in ("strategy", "primitives", "run_dir", "epochs")
    } | {"space": "s4", "min_learning_rate": 0.1}
    results = {}
    for name, steps in {"at_once": (2,), "resumed": (1, 2)}.items():
        run_dir = str(tmp_path / name)
        for epochs in steps:
            config = tfdarts.search_config(
                **settings, epochs=epochs, run_dir=run_dir
            )
            assert tfdarts.search(config) in S4(1)
        with np.load(tmp_path / name / "search" / "alphas.npz") as file:
            results[name] = file["normal"]
    np.testing.assert_array_equal(results["at_once"], results["resumed"])
