import collections
import itertools
import math

import numpy as np
import pytest
import scipy.stats
from scipy.special import softmax

from tfdarts import genotypes
from tfdarts.genotypes import PRIMITIVES
from tfdarts.search_spaces.cnn import CNNSearchSpace

SPACE = CNNSearchSpace()
OPERATIONS = PRIMITIVES[1:]
SEEDS = 2000


def derived(normal, reduce=None, space=SPACE):
    reduce = np.zeros(space.alpha_shape) if reduce is None else reduce
    alphas = {"normal": normal, "reduce": reduce}
    return space.derive({t: softmax(a, axis=-1) for t, a in alphas.items()})


def one_hot(cell, space):
    alphas = np.zeros(space.alpha_shape)
    for position, (primitive, predecessor) in enumerate(cell):
        edge = space.edges.index((position // 2 + 2, predecessor))
        alphas[edge, PRIMITIVES.index(primitive)] = 10
    return alphas


def nodes(cell):
    return [set(cell[i : i + 2]) for i in range(0, len(cell), 2)]


def derivable(name):
    published = genotypes.get(name)
    return all(
        concat == tuple(range(2, 2 + len(cell) // 2))
        and all(primitive in PRIMITIVES for primitive, _ in cell)
        and all(a[1] != b[1] for a, b in zip(cell[::2], cell[1::2]))
        for cell, concat in (
            (published.normal, published.normal_concat),
            (published.reduce, published.reduce_concat),
        )
    )


DERIVABLE = [name for name in genotypes.published_names() if derivable(name)]

# The space


def test_the_edges_stand_node_by_node_then_by_predecessor():
    assert SPACE.edges == (
        (2, 0),
        (2, 1),
        (3, 0),
        (3, 1),
        (3, 2),
        (4, 0),
        (4, 1),
        (4, 2),
        (4, 3),
        (5, 0),
        (5, 1),
        (5, 2),
        (5, 3),
        (5, 4),
    )
    assert SPACE.alpha_shape == (14, 8)
    assert SPACE.concat == (2, 3, 4, 5)
    assert SPACE.cell_types == ("normal", "reduce")


def test_the_size_is_the_papers():
    assert SPACE.size == 1 * 3 * 6 * 10 * 7**8 == 1_037_664_180


@pytest.mark.parametrize(
    ("num_nodes", "primitives", "size"),
    [
        (1, PRIMITIVES, 49),
        (2, PRIMITIVES, 3 * 7**4),
        (1, ("skip_connect", "none", "sep_conv_3x3"), 4),
        (2, ("skip_connect", "sep_conv_3x3"), 3 * 2**4),
    ],
)
def test_the_size_counts_what_can_be_derived(num_nodes, primitives, size):
    space = CNNSearchSpace(num_nodes, primitives)
    assert space.size == size
    edges = sum(range(2, 2 + num_nodes))
    assert space.alpha_shape == (edges, len(primitives))


@pytest.mark.parametrize(
    ("predecessor", "edges"),
    [(0, [0, 2, 5, 9]), (1, [1, 3, 6, 10]), (2, [4, 7, 11]), (4, [13])],
)
def test_the_edges_that_leave_a_node(predecessor, edges):
    assert SPACE.outgoing_edges(predecessor) == edges


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"primitives": ["conv_1x1"]}, r"names out of none.*\['conv_1x1'\]"),
        ({"primitives": ["tanh"]}, "names out of none"),
        ({"primitives": ["none"]}, "at least one besides 'none'"),
        ({"primitives": []}, "at least one besides 'none'"),
        ({"num_nodes": 0}, "at least one intermediate node.*num_nodes=0"),
    ],
)
def test_a_space_that_cannot_be_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        CNNSearchSpace(**arguments)


def test_a_primitive_cannot_stand_twice():
    with pytest.raises(ValueError, match="primitives"):
        CNNSearchSpace(primitives=["skip_connect", "skip_connect"])


# Derivation


def test_edges_are_ranked_by_softmax_and_not_by_raw_alpha():
    alphas = np.zeros((14, 8))
    alphas[2, [0, 4]] = 5, 3
    alphas[3, 4] = 1
    alphas[4, 4] = 0.9
    assert derived(alphas).normal[2:4] == (
        ("sep_conv_3x3", 1),
        ("sep_conv_3x3", 2),
    )


@pytest.mark.parametrize("none", [50, 700])
def test_none_is_never_derived(none):
    alphas = np.zeros((14, 8))
    alphas[:, 0] = none
    alphas[:, 6] = 1
    cell = derived(alphas).normal
    assert {primitive for primitive, _ in cell} == {"dil_conv_3x3"}


def test_equal_alphas_keep_the_first_edges_and_primitives():
    genotype = derived(np.zeros((14, 8)))
    cell = (("max_pool_3x3", 0), ("max_pool_3x3", 1)) * 4
    assert (genotype.normal, genotype.reduce) == (cell, cell)
    assert genotype.normal_concat == genotype.reduce_concat == (2, 3, 4, 5)


def test_equal_primitives_yield_the_first():
    alphas = np.zeros((14, 8))
    alphas[0, [3, 5, 7]] = 2
    assert derived(alphas).normal[0] == ("skip_connect", 0)


def test_equal_edges_keep_the_lower_predecessors():
    alphas = np.zeros((14, 8))
    alphas[[9, 11, 12], 4] = 2  # node 5, from 0, 2 and 3
    assert derived(alphas).normal[6:] == (
        ("sep_conv_3x3", 0),
        ("sep_conv_3x3", 2),
    )


def test_the_stronger_edge_stands_first():
    alphas = np.zeros((14, 8))
    alphas[0, 4], alphas[1, 5] = 1, 2
    alphas[10, 3], alphas[13, 2] = 1, 2
    cell = derived(alphas).normal
    assert cell[:2] == (("sep_conv_5x5", 1), ("sep_conv_3x3", 0))
    assert cell[6:] == (("avg_pool_3x3", 4), ("skip_connect", 1))


def test_the_cells_do_not_get_mixed_up():
    settled = np.zeros((14, 8))
    settled[:, 7] = 1
    genotype = derived(normal=np.zeros((14, 8)), reduce=settled)
    assert {primitive for primitive, _ in genotype.normal} == {"max_pool_3x3"}
    assert {primitive for primitive, _ in genotype.reduce} == {"dil_conv_5x5"}


def test_none_may_stand_anywhere_among_the_primitives():
    space = CNNSearchSpace(1, ("skip_connect", "none", "sep_conv_3x3"))
    alphas = np.array([[0, 9, 1], [0, 0, 1]])
    assert derived(alphas, space=space).normal == (
        ("sep_conv_3x3", 1),
        ("sep_conv_3x3", 0),
    )


def test_which_published_genotypes_the_rule_can_yield():
    assert set(DERIVABLE) == {
        "DARTS_V1",
        "DARTS_V2",
        "PC_DARTS_cifar",
        "PC_DARTS_image",
        "PDARTS",
        "GDAS_V1",
        "DrNAS_cifar10",
        "DrNAS_imagenet",
    }


@pytest.mark.parametrize("name", DERIVABLE)
def test_one_hot_alphas_of_a_genotype_derive_back_to_it(name):
    published = genotypes.get(name)
    genotype = derived(
        one_hot(published.normal, SPACE), one_hot(published.reduce, SPACE)
    )
    assert nodes(genotype.normal) == nodes(published.normal)
    assert nodes(genotype.reduce) == nodes(published.reduce)


def best_pair(alphas, node):
    """The strongest of all ordered pairs of edges with their operations."""
    edges = [i for i, (to, _) in enumerate(SPACE.edges) if to == node]
    weights = {
        (SPACE.edges[edge][1], primitive): math.exp(alphas[edge][column])
        / math.fsum(map(math.exp, alphas[edge]))
        for edge in edges
        for column, primitive in enumerate(PRIMITIVES)
        if primitive != "none"
    }
    pairs = itertools.permutations(weights, 2)
    (a, first), (b, second) = max(
        (pair for pair in pairs if pair[0][0] != pair[1][0]),
        key=lambda pair: (weights[pair[0]], weights[pair[1]]),
    )
    return [(first, a), (second, b)]


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("spread", [1e-3, 1, 5])
def test_the_rule_agrees_with_a_search_of_all_choices(spread, seed):
    generator = np.random.default_rng(seed)
    normal, reduce = spread * generator.normal(size=(2, 14, 8))
    genotype = derived(normal, reduce)
    for alphas, cell in ((normal, genotype.normal), (reduce, genotype.reduce)):
        expected = [best_pair(alphas.tolist(), node) for node in range(2, 6)]
        assert list(cell) == sum(expected, [])


@pytest.mark.parametrize(
    "alphas",
    [
        np.zeros((8, 14)),
        np.zeros((14, 7)),
        np.zeros((2, 14, 8)),
        np.full((14, 8), np.nan),
        np.full((14, 8), np.inf),
        np.full((14, 8), -1e-9),
    ],
)
@pytest.mark.parametrize("cell_type", ["normal", "reduce"])
def test_probabilities_that_cannot_be_are_refused(cell_type, alphas):
    cells = {"normal": np.zeros((14, 8)), "reduce": np.zeros((14, 8))}
    message = rf"of the {cell_type} cell must be finite.*\(14, 8\)"
    with pytest.raises(ValueError, match=message):
        SPACE.derive({**cells, cell_type: alphas})


def test_extreme_alphas_derive_as_others_do():
    alphas = np.zeros((14, 8))
    alphas[1, 5] = 1e6
    alphas[0, 7] = -1e6
    assert derived(alphas).normal[0] == ("sep_conv_5x5", 1)


# Sampling


@pytest.fixture(scope="module")
def samples():
    return [SPACE.sample(seed) for seed in range(SEEDS)]


def is_uniform(outcomes, possible):
    counts = [outcomes.count(outcome) for outcome in possible]
    assert sum(counts) == len(outcomes)
    return scipy.stats.chisquare(counts).pvalue > 1e-4


def test_the_seed_decides_the_sample():
    assert SPACE.sample(7) == SPACE.sample(7)
    assert SPACE.sample(7).name == "random:7"
    np.random.seed(1)
    before = SPACE.sample(7)
    np.random.seed(2)
    assert SPACE.sample(7) == before


def test_nearly_all_samples_differ(samples):
    assert len(set(samples)) == SEEDS


def test_samples_belong_to_the_space(samples):
    for sample in samples:
        assert sample.normal_concat == sample.reduce_concat == (2, 3, 4, 5)
        for cell in (sample.normal, sample.reduce):
            assert len(cell) == 8
            assert all(a[1] != b[1] for a, b in zip(cell[::2], cell[1::2]))


@pytest.mark.parametrize("cell_type", ["normal", "reduce"])
@pytest.mark.parametrize("node", [3, 4, 5])
def test_pairs_of_predecessors_are_uniform(node, cell_type, samples):
    first = 2 * node - 4
    pairs = []
    for sample in samples:
        edges = getattr(sample, cell_type)[first : first + 2]
        pairs.append(frozenset(predecessor for _, predecessor in edges))
    possible = [frozenset(p) for p in itertools.combinations(range(node), 2)]
    assert is_uniform(pairs, possible)


@pytest.mark.parametrize("cell_type", ["normal", "reduce"])
@pytest.mark.parametrize("position", range(8))
def test_operations_are_uniform(position, cell_type, samples):
    cells = (getattr(sample, cell_type) for sample in samples)
    assert is_uniform([cell[position][0] for cell in cells], OPERATIONS)


@pytest.mark.parametrize(
    "choices",
    [
        lambda sample: (sample.normal[0][0], sample.normal[1][0]),
        lambda sample: (sample.normal[0][0], sample.reduce[0][0]),
        lambda sample: (sample.reduce[6][0], sample.reduce[7][0]),
    ],
)
def test_choices_do_not_depend_on_each_other(choices, samples):
    possible = list(itertools.product(OPERATIONS, repeat=2))
    assert is_uniform([choices(sample) for sample in samples], possible)


def test_cells_of_a_small_space_are_uniform():
    """All 16 x 3 of them, whatever the order of a node's two edges."""
    space = CNNSearchSpace(2, ("none", "skip_connect", "sep_conv_3x3"))
    counts = collections.Counter(
        tuple(frozenset(pair) for pair in zip(cell[::2], cell[1::2]))
        for seed in range(2400)
        for cell in (space.sample(seed).normal, space.sample(seed).reduce)
    )
    assert len(counts) == 48
    assert scipy.stats.chisquare([*counts.values()]).pvalue > 1e-4


def test_a_space_samples_its_own_primitives_and_nodes():
    space = CNNSearchSpace(2, ("none", "skip_connect"))
    sample = space.sample(0)
    assert {primitive for primitive, _ in sample.normal} == {"skip_connect"}
    assert sample.normal_concat == (2, 3)
