"""Networks of NAS-Bench-201 have the costs of the published table.

The table has networks for 10 classes of 32x32 pixels.
"""

import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfdarts
from tfdarts.evaluators.nas_bench_201_table import TABLES
from tfdarts.layers.alphas import Alphas
from tfdarts.models.multiply_adds import multiply_adds
from tfdarts.models.nas_bench_201_models import NASBench201Network
from tfdarts.models.nas_bench_201_models import NASBench201Supernet
from tfdarts.search_spaces.nas_bench_201 import NASBench201SearchSpace
from tfdarts.strategies.gradient.derivations import derive_above
from tfdarts.strategies.gradient.derivations import derive_all_edges

SPACE = NASBench201SearchSpace()
SHAPE = (32, 32, 3)
CODES = np.array([*itertools.product(range(5), repeat=6)])
"""The position of each edge's operation, for all rows of the table."""


def genotype_of(code):
    """The cell of a row of the table: a digit for each edge."""
    operations = (SPACE.primitives[int(digit)] for digit in code)
    nodes = [
        [(next(operations), source) for source in range(node)]
        for node in SPACE.nodes
    ]
    return tfdarts.Genotype(cell=nodes, cell_concat=[3])


def size(network):
    return sum(int(keras.ops.size(w)) for w in network.trainable_weights)


@pytest.fixture(scope="module")
def costs():
    """Costs of the skeleton, and of each operation on one edge of all cells.

    They are measured on networks whose other edges are skip connections.
    """

    def measure(code):
        network = NASBench201Network(genotype_of(code), 16, 17, 10, SHAPE)
        return np.array([size(network), multiply_adds(network)])

    skeleton = measure("111111")
    return skeleton, [measure(f"11111{k}") - skeleton for k in range(5)]


@pytest.fixture(scope="module")
def table():
    """Parameters and multiply-adds, in millions, of all rows."""
    with np.load(TABLES / "nas_bench_201.npz") as file:
        return file["kparams"], file["mflops"] / 1e3


def function_of(code):
    """What a cell computes, if all operations of a kind were equal.

    Skip connections then make different cells compute the same.
    """
    nodes, operations = ["0"], iter(code)
    for node in SPACE.nodes:
        terms = [
            nodes[source]
            if operation == 1
            else f"({nodes[source]})@{operation}"
            for source, operation in zip(range(node), operations)
        ]
        nodes.append("+".join(sorted(terms)))
    return nodes[-1]


def test_costs_of_all_cells_are_those_of_the_table(costs, table):
    """150 rows have the figures of another cell of the same function.

    Skip connections let such cells share a convolution: a sum of three
    convolutions of the input, for example, has the parameters of two. All
    other rows follow from their own operations.
    """
    skeleton, of_operations = costs
    found = skeleton + np.array(of_operations)[CODES].sum(axis=1)
    parameters, millions = table
    same = found[:, 0] == parameters
    np.testing.assert_allclose(found[same, 1] / 1e6, millions[same], rtol=1e-4)
    functions = [function_of(code) for code in CODES.tolist()]
    # The number of cells of different functions is that of the paper.
    assert (len({*functions}), np.sum(~same)) == (12_751, 150)
    of_functions = {
        (function, size, round(adds / 1e6, 2))
        for function, (size, adds) in zip(functions, found.tolist())
    }
    for row in np.flatnonzero(~same):
        figures = parameters[row], round(millions[row], 2)
        assert (functions[row], *figures) in of_functions


@pytest.mark.parametrize("code", ["333333", "203412", "131204"])
def test_a_built_network_costs_what_the_table_says(code, table):
    network = NASBench201Network(genotype_of(code), 16, 17, 10, SHAPE)
    parameters, millions = (column[int(code, 5)] for column in table)
    assert size(network) == parameters
    assert multiply_adds(network) / 1e6 == pytest.approx(millions, abs=6e-4)


def test_operations_that_reach_no_output_are_left_out():
    # Nothing leaves node 1, so the 3x3 convolution into it is not computed.
    dead = NASBench201Network(genotype_of("300200"), 2, 3, 10, (8, 8, 1))
    alive = NASBench201Network(genotype_of("000200"), 2, 3, 10, (8, 8, 1))
    assert size(dead) == size(alive)


# The supernet


def images(number, seed):
    random = np.random.default_rng(seed)
    brightness = random.normal(size=(number, 1, 1, 2))
    return (brightness + random.normal(size=(number, 9, 8, 2))).astype(
        "float32"
    )


def copy_weights(supernet, network):
    layers = {layer.name: layer for layer in network.layers}
    stem, stem_norm = [
        layer
        for name, layer in layers.items()
        if isinstance(layer, keras.layers.Conv2D) or name == "stem"
    ]
    stem.set_weights(supernet.stem_conv.get_weights())
    stem_norm.set_weights(supernet.stem_norm.get_weights())
    for name in ("last_norm", "classifier"):
        layers[name].set_weights(getattr(supernet, name).get_weights())
    for cell in supernet.cells:
        if cell.name in layers:
            layers[cell.name].set_weights(cell.get_weights())
    nodes = network.genotype.cells["cell"].nodes
    for cell, (node, edges) in itertools.product(
        supernet.cells, enumerate(nodes, 1)
    ):
        present = [edge for edge in edges if edge[0] != "none"]
        for position, (operation, source) in enumerate(present):
            name = f"{cell.name}_node{node}_{position}_{operation}"
            if name not in layers:
                continue
            outgoing = SPACE.outgoing_edges(source)
            edge = outgoing.index(SPACE.edges.index((node, source)))
            mixed_op = cell.mixed_ops[source]
            copied = mixed_op.operation_of(edge, operation).get_weights()
            layers[name].set_weights(copied)


@pytest.mark.parametrize("code", ["333333", "203412", "302014"])
def test_the_network_is_the_supernet_with_one_hot_weights(code, monkeypatch):
    keras.utils.set_random_seed(0)
    sizes = 2, 5, 3, (9, 8, 2)
    supernet = NASBench201Supernet(*sizes)
    for seed in range(20):
        supernet(images(16, seed), training=True)
    network = NASBench201Network(genotype_of(code), *sizes, search=True)
    copy_weights(supernet, network)
    hot = np.eye(5, dtype="float32")[[int(digit) for digit in code]]
    monkeypatch.setattr(
        Alphas, "edge_weights", lambda self, training: tf.constant(hot)
    )
    batch = images(3, seed=100)
    expected = supernet(batch, training=False).numpy()
    assert expected.std(0).max() > 0.001
    np.testing.assert_allclose(
        network(batch, training=False), expected, atol=1e-5
    )


def test_the_supernet_has_every_operation_on_every_edge():
    supernet = NASBench201Supernet(16, 17, 10, SHAPE)
    # 73,306 with skip connections; batch norms in cells have no scale.
    in_cells = 6 * 5 * sum((1 + 9) * c * c for c in (16, 32, 64))
    found = sum(int(keras.ops.size(w)) for w in supernet.network_weights)
    assert found == 73_306 + in_cells
    assert [a.shape for a in supernet.alpha_variables] == [(6, 5)]


def test_the_genotype_is_the_most_probable_operation_of_each_edge():
    random = np.random.default_rng(1)
    probabilities = random.dirichlet(np.ones(5), 6)
    best = [SPACE.primitives[k] for k in probabilities.argmax(1)]
    genotype = SPACE.derive({"cell": probabilities})
    # Edges keep their order, though the second is stronger than the first.
    strength = probabilities[:, 1:].max(axis=1)
    assert "none" in best and strength[2] > strength[1]
    assert [name for name, _ in genotype.cell] == best
    assert [source for _, source in genotype.cell] == [0, 0, 1, 0, 1, 2]
    assert genotype in SPACE
    assert len(SPACE.neighbors(genotype)) == 6 * 4
    assert math.prod([5] * 6) == SPACE.size


def test_other_rules_of_derivation_take_the_space():
    probabilities = {"cell": np.random.default_rng(0).dirichlet(np.ones(5), 6)}
    above = derive_above(SPACE, probabilities, threshold=0.0)
    assert above == SPACE.derive(probabilities)
    assert derive_all_edges(SPACE, probabilities) == above


def test_a_supernet_and_a_network_can_be_saved(tmp_path):
    batch = images(2, seed=0)
    small = 2, 3, 3, (9, 8, 2)
    space = NASBench201SearchSpace(2, ("none", "nor_conv_3x3"))
    for name, model in {
        "supernet": NASBench201Supernet(*small, space=space),
        "network": NASBench201Network(genotype_of("302014"), *small),
    }.items():
        path = tmp_path / f"{name}.keras"
        model.save(path)
        loaded = keras.models.load_model(path)
        np.testing.assert_array_equal(loaded(batch), model(batch))
    assert loaded.genotype == genotype_of("302014")
