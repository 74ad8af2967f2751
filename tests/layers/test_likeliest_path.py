"""The path that a policy draws most often, and what it records."""

import json

import numpy as np
import pytest
import tensorflow as tf

import tfdarts
from tfdarts.layers.alphas import Alphas
from tfdarts.layers.likeliest_path import LikeliestPath
from tfdarts.search_spaces.derivation import edge_weights_of
from tfdarts.search_spaces.nas_bench_201 import NASBench201SearchSpace

SPACES = {
    "edges are cut": tfdarts.CNNSearchSpace(
        3, ("none", "skip_connect", "max_pool_3x3")
    ),
    "all edges": NASBench201SearchSpace(3, ("none", "nor_conv_1x1")),
}


def logarithms(space, seed):
    random = np.random.default_rng(seed)
    shape = space.alpha_shape
    return {name: np.log(random.random(shape)) for name in space.cell_types}


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("seed", range(5))
def test_the_path_is_that_of_the_derived_genotype(name, seed):
    space = SPACES[name]
    alphas = logarithms(space, seed)
    relaxation = LikeliestPath(space)
    derived = space.derive(
        {
            name: relaxation.probabilities(alpha)
            for name, alpha in alphas.items()
        }
    )
    expected = edge_weights_of(space, derived)
    for name, alpha in alphas.items():
        weights = relaxation.weights_of(tf.constant(alpha))
        np.testing.assert_array_equal(weights, expected[name])


def test_alphas_are_logarithms_of_probabilities():
    space = SPACES["all edges"]
    alphas = Alphas(*space.alpha_shape, relaxation=LikeliestPath(space))
    wanted = np.random.default_rng(0).random(space.alpha_shape)
    alphas.alpha.assign(np.log(wanted))
    np.testing.assert_allclose(alphas.probabilities(), wanted, rtol=1e-6)
    alphas.decide(0, 1)
    alphas.decide(1)
    found = alphas.probabilities()[:2]
    np.testing.assert_array_equal(found, [[0, 1], [0, 0]])
    np.testing.assert_array_equal(alphas.edge_weights()[:2], found)


def test_none_is_no_operation_of_a_genotype():
    space = SPACES["edges are cut"]
    found = LikeliestPath(space).probabilities(np.zeros(space.alpha_shape))
    np.testing.assert_array_equal(found[0], [0, 1, 1])


def test_it_is_made_again_from_its_config():
    relaxation = LikeliestPath(SPACES["all edges"])
    config = json.loads(json.dumps(relaxation.get_config()))
    twin = LikeliestPath.from_config(config)
    assert twin.get_config() == relaxation.get_config()
