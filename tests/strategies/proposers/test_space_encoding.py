"""Genotypes and the hyperparameters of keras-tuner stand for each other."""

import itertools

import keras_tuner
import pytest

from tfdarts.search_spaces.cnn import CNNSearchSpace
from tfdarts.search_spaces.nasnet import NASNetSearchSpace
from tfdarts.search_spaces.rnn import RNNSearchSpace
from tfdarts.search_spaces.space_registry import get_space
from tfdarts.strategies.proposers.space_encoding import SpaceEncoding

SPACES = {
    name: get_space(name)()
    for name in ("darts", "darts_rnn", "nas_bench_201", "nasnet", "s1", "s4")
} | {
    "all edges": CNNSearchSpace(3, edges_per_node="all", derive_none=True),
    "three edges": CNNSearchSpace(3, edges_per_node=3),
}


@pytest.mark.parametrize("name", SPACES)
def test_a_genotype_comes_back(name):
    space = SPACES[name]
    encoding = SpaceEncoding(space)
    for seed in range(5):
        genotype = space.sample(seed)
        assert encoding.decode(encoding.encode(genotype)) == genotype


@pytest.mark.parametrize("name", SPACES)
def test_values_of_keras_tuner_are_genotypes(name):
    space = SPACES[name]
    encoding = SpaceEncoding(space)
    oracle = keras_tuner.oracles.RandomSearchOracle(
        hyperparameters=encoding.hyperparameters(), seed=1
    )
    for _ in range(5):
        values = oracle._random_values()
        genotype = encoding.decode(values)
        assert genotype in space
        # Two edges from one predecessor have no order.
        if not space.repeats_predecessors:
            assert encoding.encode(genotype) == values


def test_all_genotypes_are_encoded():
    space = RNNSearchSpace(3, ("tanh", "relu"))
    encoding = SpaceEncoding(space)
    chosen = encoding.hyperparameters().space
    found = set()
    for values in itertools.product(*(each.values for each in chosen)):
        names = [each.name for each in chosen]
        found.add(encoding.decode(dict(zip(names, values))))
    # Node n has n predecessors, and a primitive on the edge that it keeps.
    assert len(found) == (1 * 2) * (2 * 2) * (3 * 2) == space.size


def test_all_genotypes_with_repeated_predecessors_are_encoded():
    space = NASNetSearchSpace(1, ("skip_connect", "max_pool_3x3"))
    encoding = SpaceEncoding(space)
    oracle = keras_tuner.oracles.RandomSearchOracle(
        hyperparameters=encoding.hyperparameters(), seed=0
    )
    found = {encoding.decode(oracle._random_values()) for _ in range(2000)}
    # Two different or equal of four edges, in each of two cells.
    assert len(found) == 10**2 == space.size**2
    assert all(genotype in space for genotype in found)


def test_a_choice_of_a_space_depends_on_its_edge():
    space = SPACES["s1"]
    for each in SpaceEncoding(space).hyperparameters().space:
        cell_type, node, *source = each.name.split("_")
        if source:
            allowed = space.choices(cell_type, int(node), int(*source))
            assert [*each.values] == allowed
