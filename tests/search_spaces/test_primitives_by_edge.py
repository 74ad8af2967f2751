"""Spaces in which edges may have different primitives, such as S1."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfdarts
from tfdarts.layers.alphas import Alphas
from tfdarts.models.cnn_supernet import CNNSupernet
from tfdarts.search_spaces.entropy import largest_entropy
from tfdarts.search_spaces.s1_to_s4 import S1
from tfdarts.search_spaces.space_registry import build_space

# Results of searches in S1, from the logs of RobustDARTS (Apache-2.0).
FOUND = [
    "Genotype(normal=[('dil_conv_5x5', 1), ('dil_conv_3x3', 0), "
    "('sep_conv_3x3', 1), ('dil_conv_3x3', 2), ('dil_conv_3x3', 3), "
    "('sep_conv_3x3', 2), ('dil_conv_3x3', 2), ('sep_conv_3x3', 0)], "
    "normal_concat=range(2, 6), reduce=[('max_pool_3x3', 1), "
    "('max_pool_3x3', 0), ('dil_conv_5x5', 2), ('max_pool_3x3', 0), "
    "('dil_conv_5x5', 3), ('dil_conv_3x3', 2), ('dil_conv_5x5', 4), "
    "('dil_conv_5x5', 3)], reduce_concat=range(2, 6))",
    "Genotype(normal=[('skip_connect', 1), ('dil_conv_3x3', 0), "
    "('skip_connect', 1), ('skip_connect', 2), ('skip_connect', 1), "
    "('skip_connect', 2), ('skip_connect', 2), ('skip_connect', 1)], "
    "normal_concat=range(2, 6), reduce=[('max_pool_3x3', 1), "
    "('max_pool_3x3', 0), ('max_pool_3x3', 0), ('skip_connect', 2), "
    "('max_pool_3x3', 1), ('max_pool_3x3', 0), ('dil_conv_5x5', 4), "
    "('max_pool_3x3', 0)], reduce_concat=range(2, 6))",
]


class Uneven(tfdarts.CNNSearchSpace):
    """One, two and three primitives by edge, of cells of two nodes."""

    name = "uneven"
    num_nodes = 2
    primitives = ("none", "skip_connect", "max_pool_3x3", "sep_conv_3x3")
    primitives_by_edge = {
        "normal": (
            ("skip_connect",),
            ("none", "max_pool_3x3"),
            ("skip_connect", "sep_conv_3x3"),
            ("skip_connect", "max_pool_3x3", "sep_conv_3x3"),
            ("none", "sep_conv_3x3"),
        ),
        "reduce": (primitives,) * 5,
    }


def all_cells(space, cell_type):
    """Every derived cell, by brute force."""
    nodes = []
    for node in space.nodes:
        every = [
            (name, source)
            for source in range(node)
            for name in space.primitives_by_edge[cell_type][
                space.edges.index((node, source))
            ]
            if name != "none"
        ]
        nodes.append(
            [
                frozenset(kept)
                for kept in itertools.combinations(every, 2)
                if kept[0][1] != kept[1][1]
            ]
        )
    return {*itertools.product(*nodes)}


def cell_of(genotype, cell_type="normal"):
    return tuple(map(frozenset, genotype.cells[cell_type].nodes))


@pytest.mark.parametrize("text", FOUND)
def test_results_of_the_authors_are_in_s1(text):
    genotype = tfdarts.Genotype.from_string(text)
    assert genotype in S1()
    first = genotype.normal[0][1], genotype.normal[1][1]
    other = ("max_pool_3x3", first[0])
    changed = tfdarts.Genotype(
        normal=[other, *genotype.normal[1:]],
        normal_concat=genotype.normal_concat,
        reduce=genotype.reduce,
        reduce_concat=genotype.reduce_concat,
    )
    assert changed not in S1()


def test_each_edge_of_s1_may_have_two_primitives():
    for cell_type in ("normal", "reduce"):
        assert (S1().mask(cell_type).sum(axis=1) == 2).all()
    assert S1().size == 3 * 6 * 10 * 2**8


def test_samples_neighbors_and_size_are_those_of_all_cells():
    space = Uneven()
    possible = all_cells(space, "normal")
    assert space.size == len(possible) == 11
    seen = {cell_of(space.sample(seed)) for seed in range(200)}
    assert seen == possible
    for seed in range(10):
        genotype = space.sample(seed)
        neighbors = space.neighbors(genotype)
        assert {cell_of(each) for each in neighbors} <= possible
        assert all(each in space for each in neighbors)
        assert genotype not in neighbors
        assert len({*neighbors}) == len(neighbors)


def test_a_cell_is_derived_from_what_edges_may_have():
    space = Uneven()
    probabilities = np.random.default_rng(0).dirichlet(np.ones(4), 5)
    for _ in range(20):
        np.random.default_rng(1).shuffle(probabilities)
        genotype = space.derive(dict.fromkeys(space.cell_types, probabilities))
        assert cell_of(genotype) in all_cells(space, "normal")
    flat = {name: np.ones((5, 4)) for name in space.cell_types}
    # All are equal: the first primitive that the edge may have.
    assert space.derive(flat).cells["normal"].nodes[0] == (
        ("skip_connect", 0),
        ("max_pool_3x3", 1),
    )


@pytest.mark.parametrize("relaxation", ["softmax", "concrete"])
def test_weights_of_other_primitives_are_zero(relaxation):
    mask = Uneven().mask("normal")
    alphas = Alphas(5, 4, relaxation=relaxation, mask=mask)
    variable = alphas.alpha.value
    with tf.GradientTape() as tape:
        tape.watch(variable)
        weights = alphas.edge_weights(training=True)
        loss = tf.reduce_sum(weights**2)
    gradient = tape.gradient(loss, variable)
    assert not weights.numpy()[~mask].any()
    assert not gradient.numpy()[~mask].any()
    np.testing.assert_allclose(weights.numpy().sum(1), 1, rtol=1e-6)
    probabilities = alphas.probabilities()
    assert not probabilities[~mask].any() and probabilities[mask].all()
    expected = np.log(mask.sum(axis=1)).mean()
    assert largest_entropy(probabilities) == pytest.approx(expected)
    # Regularizers see only what an edge may have.
    largest = tf.reduce_logsumexp(alphas.alpha, axis=-1)
    np.testing.assert_allclose(largest, np.log(mask.sum(axis=1)), atol=0.01)
    copy = Alphas.from_config(alphas.get_config())
    np.testing.assert_array_equal(copy.mask, mask)
    assert Alphas(5, 4, mask=np.ones((5, 4), bool)).mask is None


def test_a_supernet_of_s1(tmp_path):
    supernet = CNNSupernet(2, 3, 3, (8, 8, 1), space=S1(2))
    for cell_type, values in supernet.probabilities().items():
        assert ((values > 0) == supernet.space.mask(cell_type)).all()
    assert supernet.genotype() in S1(2)
    supernet.save(tmp_path / "s1.keras")
    loaded = keras.models.load_model(tmp_path / "s1.keras")
    images = np.ones((1, 8, 8, 1), "float32")
    np.testing.assert_array_equal(loaded(images), supernet(images))


def test_unfit_nodes_and_primitives_are_refused():
    with pytest.raises(ValueError, match="s1 says of 14 edges.*has 20 edges"):
        build_space("s1", 5)
    message = (
        "edge from node 0 to node 2 of the normal cell needs one of the "
        "primitives skip_connect, dil_conv_3x3: add it"
    )
    with pytest.raises(ValueError, match=message):
        tfdarts.search_config(space="s1", primitives="sep_conv_3x3")
