"""The optimal transport distance between cells."""

import itertools
import math

import numpy as np
import pytest
import scipy.optimize

from tfdarts.cells import Cell
from tfdarts.search_spaces.cnn import CNNSearchSpace
from tfdarts.search_spaces.space_registry import get_space
from tfdarts.strategies.proposers.transport_distance import PLACE_WEIGHT
from tfdarts.strategies.proposers.transport_distance import TransportDistance
from tfdarts.strategies.proposers.transport_distance import cost_of_mismatch

SPACES = {
    name: get_space(name)()
    for name in ("darts", "darts_rnn", "nas_bench_201", "nasnet")
}
every_space = pytest.mark.parametrize("name", SPACES)


def cells_of(space, count, first_seed=0):
    seeds = range(first_seed, first_seed + count)
    return [space.sample(seed).cells[space.cell_types[0]] for seed in seeds]


def distances(space, cells):
    """The distances of all pairs, a matrix."""
    metric = TransportDistance(space)
    described = [metric.describe(cell) for cell in cells]
    return np.array([metric.compare(each, described)[0] for each in described])


# The reference: paths are listed one by one, and transport is a linear program.


def mass_of(primitive):
    return 2 if primitive.startswith("sep") or "1_1x" in primitive else 1


def lengths_of(primitive, activations):
    length = 0 if primitive == "skip_connect" else mass_of(primitive)
    groups = (
        (("relu",), ("tanh", "sigmoid"))
        if activations
        else (("conv",), ("pool",))
    )
    return np.array(
        [length]
        + [length * any(n in primitive for n in names) for names in groups]
    )


def summarize(walks):
    """The shortest, the longest and the mean of walks with probabilities."""
    lengths = np.array([length for length, _ in walks])
    probabilities = np.array([probability for _, probability in walks])
    assert probabilities.sum() == pytest.approx(1)
    mean = probabilities @ lengths
    return np.concatenate([lengths.min(axis=0), lengths.max(axis=0), mean])


def layers_of(space, cell):
    """Triples of a layer's primitive, its mass and the lengths of its paths."""
    num_inputs, activations = space.nodes[0], space.structure.name == "rnn"
    edges = [
        (name, source, node)
        for node, edges in zip(space.nodes, cell.nodes)
        for name, source in edges
        if name != "none"
    ]

    def is_fed(node):
        return node < num_inputs or any(
            end == node and is_fed(source) for _, source, end in edges
        )

    def is_read(node):
        return node in cell.concat or any(
            source == node and is_read(end) for _, source, end in edges
        )

    edges = [(n, s, e) for n, s, e in edges if is_fed(s) and is_read(e)]

    def back(node):
        """All walks from a node to an input, with their probabilities."""
        if node < num_inputs:
            return [(np.full(3, node), 1)]
        ways = [(n, s) for n, s, end in edges if end == node]
        return [
            (length + lengths_of(n, activations), probability / len(ways))
            for n, source in ways
            for length, probability in back(source)
        ]

    def on(node):
        """All walks from a node to the output."""
        ways = [(n, end) for n, source, end in edges if source == node]
        ends = [(np.zeros(3), 1)] if node in cell.concat else []
        count = len(ways) + len(ends)
        walks = [(length, 1 / count) for length, _ in ends]
        return walks + [
            (length + lengths_of(n, activations), probability / count)
            for n, end in ways
            for length, probability in on(end)
        ]

    return [
        (
            name,
            mass_of(name),
            np.concatenate([summarize(back(source)), summarize(on(end))]),
        )
        for name, source, end in edges
    ]


def transport(space, one, other):
    """Definition 1 of the paper as a linear program of masses."""
    layers, others = layers_of(space, one), layers_of(space, other)
    costs = np.full((len(layers) + 1, len(others) + 1), 1.0)
    costs[-1, -1] = 0
    for (row, layer), (column, second) in itertools.product(
        enumerate(layers), enumerate(others)
    ):
        moved = np.mean(np.abs(layer[2] - second[2]))
        mismatch = cost_of_mismatch(layer[0], second[0])
        costs[row, column] = min(mismatch + PLACE_WEIGHT * moved, 1e3)
    supplies = [mass for _, mass, _ in layers]
    demands = [mass for _, mass, _ in others]
    supplies, demands = (
        [*supplies, sum(demands)],
        [*demands, sum(supplies)],
    )
    rows, columns = costs.shape
    sums = np.concatenate(
        [
            np.kron(np.eye(rows), np.ones(columns)),
            np.kron(np.ones(rows), np.eye(columns)),
        ]
    )
    return scipy.optimize.linprog(
        costs.ravel(), A_eq=sums, b_eq=[*supplies, *demands]
    ).fun


@every_space
def test_the_distance_is_that_of_the_linear_program(name):
    space = SPACES[name]
    cells = cells_of(space, 5)
    found = distances(space, cells)
    for row, one in enumerate(cells):
        for column in range(row + 1):
            expected = transport(space, one, cells[column])
            assert found[row, column] == pytest.approx(expected, abs=1e-9)


@every_space
def test_it_is_a_pseudometric(name):
    found = distances(SPACES[name], cells_of(SPACES[name], 25))
    np.testing.assert_allclose(np.diag(found), 0, atol=1e-12)
    np.testing.assert_allclose(found, found.T, atol=1e-12)
    assert np.count_nonzero(found > 0.1) > 500
    through = np.min(found[:, :, None] + found[None], axis=1)
    assert np.all(found <= through + 1e-12)


def test_the_order_of_nodes_does_not_count():
    conv, pool = ("sep_conv_3x3", 0), ("max_pool_3x3", 1)
    skip, dil = ("skip_connect", 0), ("dil_conv_5x5", 1)
    last = ("sep_conv_5x5", 2), ("avg_pool_3x3", 3)
    swapped = ("sep_conv_5x5", 3), ("avg_pool_3x3", 2)
    cells = [
        Cell(((conv, pool), (skip, dil), last), (2, 3, 4)),
        Cell(((skip, dil), (conv, pool), swapped), (2, 3, 4)),
        Cell(((skip, dil), (conv, pool), last), (2, 3, 4)),
    ]
    found = distances(CNNSearchSpace(num_nodes=3), cells)
    assert found[0, 1] == pytest.approx(0)
    assert found[0, 2] > 0.01


def test_layers_without_effect_do_not_count():
    space = SPACES["nas_bench_201"]

    def cell(first, dead):
        nodes = ((first, 0),), (("none", 0), (dead, 1))
        last = ("nor_conv_3x3", 0), ("none", 1), ("none", 2)
        return Cell((*nodes, last), (3,))

    one, other = cell("nor_conv_1x1", "avg_pool_3x3"), cell("none", "none")
    nothing = Cell(
        ((("none", 0),), (("none", 0), ("none", 1)), (("none", 0),) * 3), (3,)
    )
    found = distances(space, [one, other, nothing])
    assert found[0, 1] == 0
    # The whole mass of the other cell is not transported.
    assert found[0, 2] == 1 and found[2, 2] == 0


def test_the_other_distance_has_a_mass_of_1():
    space = SPACES["nas_bench_201"]
    metric = TransportDistance(space)
    one, other = (metric.describe(cell) for cell in cells_of(space, 2))
    sums = metric.compare(one, [other, one])
    found = metric.combine(sums)
    masses = len(one.units) + len(other.units)
    assert sums[1].tolist() == [masses, 2 * len(one.units)]
    np.testing.assert_allclose(found[1], [sums[0, 0] / masses, 0])
    assert not metric.combine(np.zeros((2, 1, 1))).any()


def test_mismatches_cost_what_is_published():
    root = math.sqrt(2) / 10
    for one, other, cost in (
        ("nor_conv_3x3", "nor_conv_1x1", root * math.sqrt(2)),
        ("sep_conv_3x3", "sep_conv_7x7", root * 2),
        ("sep_conv_3x3", "dil_conv_3x3", 0.1),
        ("sep_conv_3x3", "dil_conv_5x5", 0.9 * root * math.sqrt(2) + 0.1),
        ("max_pool_3x3", "max_pool_5x5", 0.5),
        ("tanh", "sigmoid", 0.1),
        ("tanh", "relu", 0.25),
        ("tanh", "identity", math.inf),
        ("skip_connect", "sep_conv_3x3", math.inf),
    ):
        assert cost_of_mismatch(one, other) == pytest.approx(cost)
        assert cost_of_mismatch(other, one) == pytest.approx(cost)
        assert cost_of_mismatch(one, one) == 0
