"""The space of recurrent cells, against the paper and plain enumeration."""

import collections
import itertools
import math

import numpy as np
import pytest
import scipy.stats
from scipy.special import softmax

from tfdarts import genotypes
from tfdarts.genotypes import RECURRENT_PRIMITIVES
from tfdarts.genotypes import Genotype
from tfdarts.search_spaces.cnn import CNNSearchSpace
from tfdarts.search_spaces.rnn import RNNSearchSpace

SPACE = RNNSearchSpace()


def test_the_numbers_of_the_paper():
    assert SPACE.cell_types == ("recurrent",)
    assert SPACE.primitives == ("none", "tanh", "relu", "sigmoid", "identity")
    assert SPACE.alpha_shape == (36, 5) and math.prod(SPACE.alpha_shape) == 180
    assert SPACE.size == 2_642_411_520 == math.factorial(8) * 4**8
    assert SPACE.concat == tuple(range(1, 9))
    assert SPACE.edges[:4] == ((1, 0), (2, 0), (2, 1), (3, 0))


def test_the_size_counts_what_can_be_derived():
    space = RNNSearchSpace(3, ("none", "tanh", "relu"))
    generator = np.random.default_rng(0)
    derived = {
        space.derive({"recurrent": generator.uniform(size=space.alpha_shape)})
        for _ in range(2000)
    }
    assert len(derived) == space.size == 1 * 2 * 3 * 2**3


def strongest(alphas, node):
    """The strongest choice into a node, of all, ties to the first."""
    best = None
    for (to, source), row in zip(SPACE.edges, alphas.tolist()):
        total = math.fsum(map(math.exp, row))
        for name, alpha in zip(SPACE.primitives, row):
            weight = math.exp(alpha) / total
            if to == node and name != "none":
                if best is None or weight > best[0]:
                    best = (weight, (name, source))
    return best[1]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("spread", [1e-3, 1, 5])
def test_the_rule_agrees_with_a_search_of_all_choices(spread, seed):
    alphas = spread * np.random.default_rng(seed).normal(size=(36, 5))
    genotype = SPACE.derive({"recurrent": softmax(alphas, axis=-1)})
    expected = tuple(strongest(alphas, node) for node in range(1, 9))
    assert genotype == Genotype(
        recurrent=expected, recurrent_concat=range(1, 9)
    )


def test_none_weakens_an_edge_and_is_never_derived():
    alphas = np.zeros((36, 5))
    # Of node 2: raw alphas would prefer the edge from node 0.
    alphas[1] = [5, 3, 0, 0, 0]
    alphas[2] = [0, 1, 0, 0, 0]
    genotype = SPACE.derive({"recurrent": softmax(alphas, axis=-1)})
    assert genotype.recurrent[1] == ("tanh", 1)
    assert genotype.recurrent[0] == ("tanh", 0)


@pytest.mark.parametrize("name", ["DARTS_V1", "DARTS_V2"])
def test_one_hot_alphas_of_a_genotype_derive_back_to_it(name):
    genotype = genotypes.get(name, space="rnn")
    alphas = np.zeros((36, 5))
    for node, (primitive, source) in enumerate(genotype.recurrent, 1):
        edge = SPACE.edges.index((node, source))
        alphas[edge, RECURRENT_PRIMITIVES.index(primitive)] = 10
    assert SPACE.derive({"recurrent": softmax(alphas, axis=-1)}) == genotype


def test_samples_are_uniform_and_follow_their_seed():
    assert SPACE.sample(7) == SPACE.sample(7) != SPACE.sample(8)
    assert SPACE.sample(7).name == "random:7"
    space = RNNSearchSpace(2, ("none", "tanh", "relu"))
    counts = collections.Counter(space.sample(s) for s in range(100 * 8))
    assert len(counts) == space.size == 8
    assert scipy.stats.chisquare([*counts.values()]).pvalue > 1e-4


def test_52_neighbors_each_one_edit_away():
    """8 nodes x 3 operations, and 0 + 1 + ... + 7 sources."""
    genotype = SPACE.sample(0)
    neighbors = SPACE.neighbors(genotype)
    assert len(neighbors) == len({*neighbors}) == 24 + 28
    for neighbor in neighbors:
        assert neighbor in SPACE
        pairs = zip(genotype.recurrent, neighbor.recurrent)
        assert sum(a != b for a, b in pairs) == 1
    assert SPACE.mutate(genotype, 3) in neighbors


def test_what_is_not_of_the_space():
    assert genotypes.get("DARTS_V1", "rnn") in SPACE
    assert genotypes.get("ENAS", "rnn") not in SPACE
    assert genotypes.get("DARTS_V1", "cnn") not in SPACE
    assert genotypes.get("DARTS_V1", "rnn") not in CNNSearchSpace()
    with pytest.raises(
        ValueError, match="8 nodes, each with 1 different predecessors"
    ):
        SPACE.neighbors(genotypes.get("ENAS", "rnn"))


@pytest.mark.parametrize(
    "arguments", [(8, ("tanh", "skip_connect")), (8, ("none",)), (0,)]
)
def test_a_space_that_cannot_be(arguments):
    with pytest.raises(ValueError, match="must (be different|have at least)"):
        RNNSearchSpace(*arguments)


def test_every_cell_of_a_small_space_is_reached_by_edits():
    space = RNNSearchSpace(2, ("tanh", "relu"))
    all_of_them = {
        Genotype(recurrent=[(a, 0), (b, source)], recurrent_concat=[1, 2])
        for a, b in itertools.product(space.primitives, repeat=2)
        for source in (0, 1)
    }
    reached, last = {space.sample(0)}, None
    while reached != last:
        last = set(reached)
        reached |= {n for g in last for n in space.neighbors(g)}
    assert reached == all_of_them and len(reached) == space.size
