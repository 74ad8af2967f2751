"""The edit distance between cells."""

import itertools

import numpy as np
import pytest

from tfdarts.cells import Cell
from tfdarts.search_spaces.cnn import CNNSearchSpace
from tfdarts.search_spaces.space_registry import get_space
from tfdarts.strategies.proposers.edit_distance import EditDistance

SPACES = {
    name: get_space(name)()
    for name in ("darts", "darts_rnn", "nas_bench_201", "nasnet")
}
SMALL = {
    "images": CNNSearchSpace(num_nodes=2),
    "nas_bench_201": SPACES["nas_bench_201"],
}
GROUPS = "conv", "pool"


def cells_of(space, count):
    first, *_ = space.cell_types
    return [space.sample(seed).cells[first] for seed in range(count)]


def distances(space, cells):
    """The distances of all pairs, a matrix."""
    metric = EditDistance(space)
    described = [metric.describe(cell) for cell in cells]
    found = [metric.compare(each, described) for each in described]
    return np.concatenate(found)


def edges_of(space, cell):
    return [
        (name, source, node - source)
        for node, edges in zip(space.nodes, cell.nodes)
        for name, source in edges
        if name != "none"
    ]


def cost(one, other):
    """The cost of an edit: 4 is that of an edge against no edge, twice."""
    if one is None or other is None:
        return 0 if one is other else 2
    (name, start, length), (new_name, new_start, new_length) = one, other
    moved = abs(start - new_start) + abs(length - new_length)
    moved /= max(start, new_start) + max(length, new_length)
    if name == new_name:
        return moved
    same = any(group in name and group in new_name for group in GROUPS)
    return moved + (0.5 if same else 1)


def by_brute_force(one, other):
    """The cheapest of all orders of edges, filled with missing ones."""
    longer, shorter = sorted((one, other), key=len, reverse=True)
    shorter = shorter + [None] * (len(longer) - len(shorter))
    return min(
        sum(map(cost, longer, order))
        for order in itertools.permutations(shorter)
    )


@pytest.mark.parametrize("name", SMALL)
def test_the_distance_is_that_of_the_best_edits(name):
    space = SMALL[name]
    cells = cells_of(space, 6)
    found = distances(space, cells)
    for row, one in enumerate(cells):
        for column in range(row + 1):
            expected = by_brute_force(
                edges_of(space, one), edges_of(space, cells[column])
            )
            assert found[row, column] == pytest.approx(expected)


@pytest.mark.parametrize("name", SPACES)
def test_it_is_a_metric_of_edges(name):
    space = SPACES[name]
    cells = cells_of(space, 25)
    found = distances(space, cells)
    np.testing.assert_allclose(found, found.T, atol=1e-12)
    through = np.min(found[:, :, None] + found[None], axis=1)
    assert np.all(found <= through + 1e-12)
    for row, one in enumerate(cells):
        for column, other in enumerate(cells):
            same = sorted(edges_of(space, one)) == sorted(
                edges_of(space, other)
            )
            assert (found[row, column] < 1e-9) == same


def test_the_order_of_edges_does_not_count_but_that_of_nodes_does():
    first = ("sep_conv_3x3", 0), ("max_pool_3x3", 1)
    second = ("skip_connect", 0), ("dil_conv_5x5", 1)
    cells = [
        Cell((first, second), (2, 3)),
        Cell((first[::-1], second), (2, 3)),
        Cell((second, first), (2, 3)),
    ]
    found = distances(SMALL["images"], cells)
    assert found[0, 1] == 0
    assert found[0, 2] > 0.5
