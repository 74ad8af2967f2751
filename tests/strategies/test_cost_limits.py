"""Expected costs, multipliers and limited derivations against brute force."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfdarts
from tfdarts.cells import Cell
from tfdarts.genotypes import Genotype
from tfdarts.layers.relaxations import RELAXATIONS
from tfdarts.models.cnn_network import CNNNetwork
from tfdarts.models.cnn_supernet import CNNSupernet
from tfdarts.models.nas_bench_201_models import NASBench201Network
from tfdarts.search_spaces.cell_costs import CellCosts
from tfdarts.search_spaces.cell_costs import cheapest
from tfdarts.search_spaces.cell_costs import derive_within
from tfdarts.search_spaces.cnn import CNNSearchSpace
from tfdarts.search_spaces.nas_bench_201 import NASBench201SearchSpace
from tfdarts.strategies.darts import DARTS
from tfdarts.strategies.gradient.cost_limits import CostLimits
from tfdarts.strategies.gradient.derivations import keep_all_edges
from tfdarts.strategies.gradient.expected_cost import ExpectedCost
from tfdarts.tasks.edge_costs import edge_costs
from tfdarts.tasks.network_cost import count_cost

PRIMITIVES = ("none", "skip_connect", "sep_conv_3x3")
SPACE = CNNSearchSpace(2, PRIMITIVES)
SPACES = {
    "darts": SPACE,
    "all edges": keep_all_edges(SPACE),
    "one edge": CNNSearchSpace(2, PRIMITIVES, edges_per_node=1),
    "nas_bench_201": NASBench201SearchSpace(2),
}


def random_costs(space, seed):
    random = np.random.default_rng(seed)
    edges = {
        name: random.integers(0, 50, space.alpha_shape).astype(float)
        for name in space.cell_types
    }
    return CellCosts(float(random.integers(100)), edges)


def random_weights(space, seed):
    random = np.random.default_rng(seed)
    return {
        name: random.dirichlet(np.ones(len(space.primitives)), space.num_edges)
        for name in space.cell_types
    }


def sets_of_node(space, node, own):
    """All sets of edges of a node, with numbers proportional to their chance.

    Args:
        own: Array `(edges, primitives)` of weights.
    """
    operations = [name != "none" for name in space.primitives]
    edges = {
        source: e for e, (to, source) in enumerate(space.edges) if to == node
    }
    choices = [
        column
        for column, name in enumerate(space.primitives)
        if name != "none" or space.derive_none
    ]
    for sources in itertools.combinations(edges, space.num_kept(node)):
        strength = np.prod([own[edges[s], operations].max() for s in sources])
        for columns in itertools.product(choices, repeat=len(sources)):
            shares = [
                own[edges[s], c] / own[edges[s], choices].sum()
                for s, c in zip(sources, columns)
            ]
            kept = [(space.primitives[c], s) for s, c in zip(sources, columns)]
            yield tuple(kept), strength * np.prod(shares)


def all_cells(space, own):
    """All cells of a type with their probabilities, by brute force."""
    of_nodes = []
    for node in space.nodes:
        found = [*sets_of_node(space, node, own)]
        total = sum(chance for _, chance in found)
        of_nodes.append([(edges, chance / total) for edges, chance in found])
    for nodes in itertools.product(*of_nodes):
        edges, chances = zip(*nodes)
        yield Cell(edges, space.concat), np.prod(chances)


def all_genotypes(space, weights):
    of_types = [[*all_cells(space, weights[name])] for name in space.cell_types]
    for cells in itertools.product(*of_types):
        chance = np.prod([each for _, each in cells])
        named = zip(space.cell_types, (cell for cell, _ in cells))
        yield Genotype(cells=dict(named)), chance


def expected(space, costs, weights):
    tensors = {name: tf.constant(value) for name, value in weights.items()}
    return ExpectedCost(space, costs)(tensors).numpy()


@pytest.mark.parametrize("name", SPACES)
def test_the_expected_cost_is_the_mean_over_all_genotypes(name):
    space = SPACES[name]
    if len(space.cell_types) > 1:  # One type is enough for a brute force.
        zeros = dict.fromkeys(space.cell_types[1:], 0.0)
    else:
        zeros = {}
    weights = random_weights(space, 0)
    costs = [random_costs(space, seed) for seed in (1, 2)]
    for each in costs:
        for cell_type in zeros:
            each.edges[cell_type][:] = 0
    first = space.cell_types[0]
    total, means = 0.0, np.zeros(2)
    for cell, chance in all_cells(space, weights[first]):
        genotype = Genotype(cells=dict.fromkeys(space.cell_types, cell))
        means += [chance * each.of(space, genotype) for each in costs]
        total += chance
    assert total == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(expected(space, costs, weights), means)


def test_the_expected_cost_is_the_mean_of_sampled_networks():
    """Of real networks: 600 genotypes, and the error of their mean."""
    space = CNNSearchSpace(1, PRIMITIVES)
    random = np.random.default_rng(0)

    def build(genotype):
        return CNNNetwork(genotype, 2, 3, 4, (8, 8, 1))

    names = ("parameters", "multiply_adds")
    costs = edge_costs(space, build, names)
    weights = random_weights(space, 3)
    genotypes, chances = zip(*all_genotypes(space, weights))
    drawn = random.choice(len(genotypes), 600, p=np.array(chances))
    counted = {n: count_cost(build(genotypes[n])) for n in {*drawn}}
    for name, value in zip(
        names, expected(space, [costs[n] for n in names], weights)
    ):
        sampled = np.array([counted[n][name] for n in drawn])
        error = sampled.std() / np.sqrt(len(sampled))
        assert sampled.std() > 0
        assert abs(sampled.mean() - value) < 3 * error


def test_decided_edges_are_kept():
    weights = random_weights(SPACE, 0)
    for own in weights.values():
        own[:] = 0
        own[[0, 1, 2, 4], [1, 2, 1, 2]] = 1  # 2 ← 0, 1 and 3 ← 0, 2
    costs = random_costs(SPACE, 1)
    exact = costs.of(SPACE, SPACE.derive(weights))
    assert expected(SPACE, [costs], weights) == pytest.approx([exact])


NETWORKS = {
    "darts": (CNNSearchSpace(2), CNNNetwork, (12, 8, 3)),
    "odd sizes": (CNNSearchSpace(2), CNNNetwork, (7, 9, 1)),
    "large images": (CNNSearchSpace(1), CNNNetwork, (128, 128, 3)),
    "nas_bench_201": (NASBench201SearchSpace(), NASBench201Network, (8, 8, 1)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_sums_over_edges_are_the_costs_of_real_networks(name):
    space, network, shape = NETWORKS[name]

    def build(genotype):
        return network(genotype, 3, 4, 4, shape)

    names = ("parameters", "multiply_adds")
    costs = edge_costs(space, build, names)
    genotypes = [*map(space.sample, range(5, 9))]
    if name == "darts":  # With an edge between nodes of a reduction cell.
        skips = [[("skip_connect", n - 1), ("skip_connect", n)] for n in (1, 2)]
        genotypes.append(
            Genotype(sum(skips, []), [2, 3], sum(skips, []), [2, 3])
        )
    for genotype in genotypes:
        counted = count_cost(build(genotype))
        for each in names:
            if name == "nas_bench_201":
                genotype_cost = costs[each].of(space, genotype)
                assert genotype_cost >= counted[each]
            else:
                assert costs[each].of(space, genotype) == counted[each]


def test_without_dead_ends_the_sums_of_nas_bench_201_are_exact():
    space, network, shape = NETWORKS["nas_bench_201"]

    def build(genotype):
        return network(genotype, 3, 4, 4, shape)

    names = ("parameters", "multiply_adds")
    costs = edge_costs(space, build, names)
    whole = [
        each for each in map(space.sample, range(30)) if "none" not in str(each)
    ]
    assert len(whole) > 2
    for genotype in whole[:3]:
        counted = count_cost(build(genotype))
        for each in names:
            assert costs[each].of(space, genotype) == counted[each]


@pytest.mark.parametrize("name", ["all edges", "one edge"])
def test_sums_are_upper_bounds_where_inputs_may_be_idle(name):
    """A network has no layers that no path leads from to the output."""
    space = SPACES[name]

    def build(genotype):
        return CNNNetwork(genotype, 2, 3, 4, (4, 4, 1))

    cost = edge_costs(space, build, ["parameters"])["parameters"]
    excesses = [
        cost.of(space, genotype) - count_cost(build(genotype))["parameters"]
        for genotype in map(space.sample, range(5))
    ]
    assert min(excesses) == 0 < max(excesses)


def test_networks_that_are_no_sums_are_refused():
    space = CNNSearchSpace(1, PRIMITIVES)

    def build(genotype):
        skips = genotype.num_skip_connections
        return CNNNetwork(genotype, 2 + skips, 3, 4, (8, 8, 1))

    with pytest.raises(ValueError, match="are no sum over the edges of cells"):
        edge_costs(space, build, ["parameters"])


class TableOfSizes:
    """Stands for a `LatencyTable`: a time is the size of the first input."""

    def milliseconds(self, layer, shapes):
        return float(np.prod(shapes[0])) * (1 + len(layer.weights))

    def save(self):
        pass


def test_latencies_are_sums_over_the_layers():
    space = CNNSearchSpace(2)
    table = TableOfSizes()

    def build(genotype):
        return CNNNetwork(genotype, 3, 4, 4, (12, 8, 3))

    costs = edge_costs(space, build, ["milliseconds"], table)["milliseconds"]
    from tfdarts.tasks.network_cost import predict_milliseconds

    for seed in range(3):
        genotype = space.sample(seed)
        predicted = predict_milliseconds(build(genotype), table)
        assert costs.of(space, genotype) == pytest.approx(predicted)
        doubled = costs.times(2.0).of(space, genotype)
        assert doubled == pytest.approx(2 * predicted)


@pytest.mark.parametrize("relaxation", [*RELAXATIONS])
@pytest.mark.parametrize("edge_normalization", [False, True])
def test_the_gradient_is_a_difference(relaxation, edge_normalization):
    keras.utils.set_random_seed(0)
    supernet = CNNSupernet(
        *(2, 3, 3, (4, 4, 1)),
        space=SPACE,
        relaxation=relaxation,
        edge_normalization=edge_normalization,
        dtype="float64",
    )
    random = np.random.default_rng(0)
    for variable in supernet.alpha_variables:
        variable.assign(random.normal(size=variable.shape))
    costs = {n: random_costs(SPACE, s) for n, s in (("a", 1), ("b", 2))}
    limits = CostLimits(SPACE, costs, {"a": 150.0, "b": 90.0})
    limits.multipliers.assign([1.5, 0.2])
    penalty, gradients = limits.gradients(supernet)
    for variable, gradient in zip(supernet.alpha_variables, gradients):
        start = variable.numpy()
        direction = random.normal(size=start.shape)
        values = []
        for step in (1e-5, -1e-5):
            variable.assign(start + step * direction)
            values.append(float(limits.gradients(supernet)[0]))
        variable.assign(start)
        difference = (values[0] - values[1]) / 2e-5
        assert abs(difference) > 1e-6
        slope = float(np.sum(gradient * direction))
        assert slope == pytest.approx(difference, rel=1e-5)
    # The weights are those that the genotype is derived from.
    weights = {n: a.probabilities() for n, a in supernet.alphas.items()}
    mean = expected(SPACE, [costs["a"], costs["b"]], weights)
    np.testing.assert_allclose(float(limits.penalty_of(mean)), float(penalty))


def test_the_term_and_the_multiplier_by_hand():
    flat = {n: np.zeros(SPACE.alpha_shape) for n in SPACE.cell_types}
    costs = {"a": CellCosts(150.0, flat), "b": CellCosts(50.0, flat)}
    limits = CostLimits(SPACE, costs, {"a": 100.0, "b": 100.0}, growth=2.0)
    # a: λ = 0, ρ g = 1: 1 / 4. b: λ = 0, ρ g = -1: 0.
    assert float(limits.penalty_of(tf.constant([150.0, 50.0]))) == 0.25
    weights = random_weights(SPACE, 0)
    limits.adapt(weights)
    np.testing.assert_allclose(limits.multipliers, [1.0, 0.0])
    limits.adapt(weights)
    np.testing.assert_allclose(limits.multipliers, [2.0, 0.0])
    # a: ((2 + 1)² - 2²) / 4. b: λ = 0, ρ g = 2: 2² / 4.
    value = float(limits.penalty_of(tf.constant([150.0, 200.0])))
    assert value == pytest.approx(5 / 4 + 4 / 4)
    limits.multipliers.assign([2.0, 2.5])
    limits.adapt(weights)
    np.testing.assert_allclose(limits.multipliers, [3.0, 1.5])


@pytest.mark.parametrize("name", ["darts", "all edges", "one edge"])
@pytest.mark.parametrize("seed", range(4))
def test_a_limited_derivation_is_the_best_of_all(name, seed):
    space = SPACES[name]
    if name == "all edges":  # 3⁵ cells of each type are too many.
        space = keep_all_edges(CNNSearchSpace(1, PRIMITIVES))
    if name == "darts":
        space = CNNSearchSpace(2, PRIMITIVES[1:])
    weights = random_weights(space, seed)
    costs = [random_costs(space, 10 * seed + 1), random_costs(space, seed)]

    def chance(genotype):
        total = 0.0
        for cell_type, cell in genotype.cells.items():
            for node, edges in zip(space.nodes, cell.nodes):
                for primitive, source in edges:
                    edge = space.edges.index((node, source))
                    column = space.primitives.index(primitive)
                    total += np.log(weights[cell_type][edge, column])
        return total

    genotypes = [each for each, _ in all_genotypes(space, weights)]
    values = np.array([[c.of(space, g) for c in costs] for g in genotypes])
    best = genotypes[int(np.argmin(values[:, 0]))]
    assert costs[0].of(space, cheapest(space, costs[0])) == costs[0].of(
        space, best
    )
    assert derive_within(space, weights, [], []) == space.derive(weights)
    for share in (0.02, 0.1, 0.4):
        limits = np.quantile(values, share, axis=0)
        inside = [
            g for g, own in zip(genotypes, values) if (own <= limits).all()
        ]
        found = derive_within(space, weights, costs, limits)
        if not inside:
            assert found is None
            continue
        assert found in space
        assert all(c.of(space, found) <= m for c, m in zip(costs, limits))
        expected = max(map(chance, inside))
        assert chance(found) == pytest.approx(expected, rel=1e-9)


def test_a_search_with_limits_is_not_saved():
    supernet = CNNSupernet(*(2, 3, 3, (4, 4, 1)), space=SPACE)
    search = DARTS(supernet, order=1)
    limits = CostLimits(SPACE, {"a": random_costs(SPACE, 0)}, {"a": 1e9})
    search.limit_costs(limits)
    assert limits.multipliers is search.own_variables[0]
    with pytest.raises(ValueError, match="cannot save a search with limits"):
        search.get_config()


def test_nothing_within_the_limits():
    limits = CostLimits(SPACE, {"a": random_costs(SPACE, 0)}, {"a": 1.0})
    with pytest.raises(ValueError, match="within the limits: raise them"):
        limits.derive(SPACE, random_weights(SPACE, 0))


REFUSED = [
    ("enas", {}, "--strategy=enas has no loss of alpha"),
    ("random_sharing", {}, "has no loss of alpha"),
    ("shapley_nas", {}, "has no loss of alpha"),
    ("sgas", {}, "--derivation=greedy chooses edges whatever"),
    ("darts_pt", {}, "--derivation=perturbation chooses edges"),
    ("darts", {"derivation": "threshold"}, "--derivation=threshold chooses"),
    ("drnas", {}, "--stage_primitives keeps primitives"),
]


@pytest.mark.parametrize(("strategy", "settings", "message"), REFUSED)
def test_where_limits_make_no_sense_they_are_refused(
    strategy, settings, message
):
    with pytest.raises(ValueError, match=message):
        tfdarts.search_config(strategy, max_parameters="10k", **settings)
