"""Nodes that keep one, two or all of their edges, and edges without operation.

All derived cells are enumerated by brute force.
"""

import itertools
import math

import numpy as np
import pytest

from tfdarts.search_spaces.cnn import CNNSearchSpace
from tfdarts.search_spaces.rnn import RNNSearchSpace

PRIMITIVES = ("none", "skip_connect", "max_pool_3x3")


def all_nodes(space, node):
    """Every set of edges that a node may keep, by brute force."""
    choices = [
        primitive
        for primitive in space.primitives
        if space.derive_none or primitive != "none"
    ]
    every = itertools.product(choices, range(node))
    count = {"all": node}.get(space.edges_per_node, space.edges_per_node)
    return {
        frozenset(kept)
        for kept in itertools.combinations([*every], min(count, node))
        if len({source for _, source in kept}) == len(kept)
    }


KEPT = pytest.mark.parametrize("edges_per_node", [1, 2, 3, "all"])
NONE = pytest.mark.parametrize("derive_none", [False, True])


@KEPT
@NONE
def test_the_size_is_the_number_of_different_cells(edges_per_node, derive_none):
    space = CNNSearchSpace(2, PRIMITIVES, edges_per_node=edges_per_node)
    space.derive_none = derive_none
    nodes = [all_nodes(space, node) for node in space.concat]
    assert space.size == len(nodes[0]) * len(nodes[1])


@KEPT
@NONE
def test_samples_and_neighbors_are_in_the_space(edges_per_node, derive_none):
    space = CNNSearchSpace(
        3, PRIMITIVES, edges_per_node=edges_per_node, derive_none=derive_none
    )
    possible = {node: all_nodes(space, node) for node in space.concat}
    for seed in range(20):
        genotype = space.sample(seed)
        for each in (genotype, *space.neighbors(genotype)):
            assert each in space
            for cell in each.cells.values():
                for node, edges in zip(space.concat, cell.nodes, strict=True):
                    assert frozenset(edges) in possible[node]
        neighbors = space.neighbors(genotype)
        assert len({*neighbors}) == len(neighbors)
        assert genotype not in neighbors
    other = CNNSearchSpace(3, PRIMITIVES, edges_per_node=4)
    assert (genotype in other) == (edges_per_node == "all" and not derive_none)


def strongest(space, probabilities, node):
    """The edges that a node keeps, by a search of all possible sets."""

    def key(kept):
        strengths, values = [], []
        for primitive, source in kept:
            edge = space.edges.index((node, source))
            row = dict(zip(space.primitives, probabilities[edge]))
            values.append(row[primitive])
            strengths.append(max(v for k, v in row.items() if k != "none"))
        return math.fsum(strengths), math.fsum(values)

    return max(all_nodes(space, node), key=key)


@KEPT
@NONE
@pytest.mark.parametrize("seed", range(5))
def test_the_strongest_edges_are_kept(edges_per_node, derive_none, seed):
    space = CNNSearchSpace(
        3, PRIMITIVES, edges_per_node=edges_per_node, derive_none=derive_none
    )
    random = np.random.default_rng(seed)
    probabilities = {
        cell_type: random.dirichlet(np.ones(3), space.num_edges)
        for cell_type in space.cell_types
    }
    genotype = space.derive(probabilities)
    assert genotype in space
    for cell_type, cell in genotype.cells.items():
        for node, edges in zip(space.concat, cell.nodes):
            expected = strongest(space, probabilities[cell_type], node)
            assert frozenset(edges) == expected


def test_none_is_derived_where_it_is_most_probable():
    space = CNNSearchSpace(1, PRIMITIVES, derive_none=True)
    probabilities = np.array([[0.6, 0.3, 0.1], [0.2, 0.1, 0.7]])
    genotype = space.derive({"normal": probabilities, "reduce": probabilities})
    assert genotype.normal == (("max_pool_3x3", 1), ("none", 0))


def test_the_defaults_are_those_of_the_paper():
    assert CNNSearchSpace().edges_per_node == 2
    assert RNNSearchSpace().edges_per_node == 1
    assert not CNNSearchSpace().derive_none


@pytest.mark.parametrize("edges_per_node", [0, -1, 2.0, True, "two"])
def test_another_number_of_edges_is_refused(edges_per_node):
    with pytest.raises(ValueError, match="positive integer or 'all'"):
        CNNSearchSpace(edges_per_node=edges_per_node)


def test_what_is_no_genotype_of_a_space_is_refused():
    space = CNNSearchSpace(1, ["skip_connect"], edges_per_node="all")
    assert "DARTS_V2" not in space
    with pytest.raises(ValueError, match="not in the search space"):
        space.neighbors("DARTS_V2")
    with pytest.raises(ValueError, match="no neighbor: it is the only one"):
        space.mutate(space.sample(0), seed=0)
    with pytest.raises(ValueError, match="cells normal, reduce. Rec.* none"):
        space.derive({})
