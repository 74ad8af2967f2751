"""The network of a cell of motifs against plain NumPy."""

import numpy as np
import numpy_reference as reference
import pytest
from saved import randomize
from saved import require_same
from saved import saved_and_loaded
from saved import through_json

from tfdarts.cells import Cell
from tfdarts.genotypes import Genotype
from tfdarts.models.hierarchical_network import HierarchicalNetwork
from tfdarts.models.multiply_adds import multiply_adds
from tfdarts.search_spaces.hierarchical import HierarchicalSearchSpace

SPACE = HierarchicalSearchSpace()
TOP = "cell_of_motifs"
IMAGES = np.random.default_rng(0).normal(size=(3, 8, 8, 2))
FILTERS = 3


def network_of(genotype, num_cells=3, **options):
    network = HierarchicalNetwork(
        genotype, FILTERS, num_cells, 4, (8, 8, 2), **options
    )
    randomize(network)
    return network


def adjacency(cell):
    """The operations as a matrix: row, a node; column, its predecessor."""
    matrix = np.full((len(cell.nodes) + 1,) * 2, "none", object)
    for node, edges in enumerate(cell.nodes, 1):
        for operation, source in edges:
            matrix[node, source] = operation
    return matrix


class InNumPy:
    """A network, computed from its output back to its images."""

    def __init__(self, network):
        self.layers = {layer.name: layer for layer in network.layers}
        self.graphs = {
            name: adjacency(cell)
            for name, cell in network.genotype.cells.items()
        }

    def batch_norm(self, x, weights):
        gamma, beta, mean, variance = weights
        x = (x - mean) / np.sqrt(variance + reference.EPSILON)
        return x * gamma + beta

    def layer(self, name, x, strides=1):
        """Convolutions of a layer, batch norm and ReLU."""
        weights = [w.numpy().astype(float) for w in self.layers[name].weights]
        *kernels, gamma, beta, mean, variance = weights
        for kernel in kernels:
            side = len(kernel)
            is_depthwise = side == 3
            convolve = reference.depthwise if is_depthwise else reference.conv
            padding = side // 2
            step = strides if is_depthwise else 1
            x = convolve(x, kernel, strides=step, padding=padding)
        return reference.relu(self.batch_norm(x, (gamma, beta, mean, variance)))

    def operation(self, operation, name, x):
        if operation in self.graphs:
            return self.graph(operation, name, x)
        if operation == "skip_connect":
            return x
        if operation == "max_pool_3x3":
            return reference.max_pool(x, 1)
        if operation == "avg_pool_3x3":
            return reference.avg_pool(x, 1)
        return self.layer(name, x)

    def graph(self, graph, name, x):
        """The output of a graph, or `None` if nothing reaches it."""
        matrix = self.graphs[graph]

        def node(number):
            if number == 0:
                return x
            found = []
            for source in range(number):
                operation = matrix[number, source]
                before = None if operation == "none" else node(source)
                if before is not None:
                    edge = f"{name}_{number}_{source}_{operation}"
                    found.append(self.operation(operation, edge, before))
            found = [each for each in found if each is not None]
            if len(found) < 2:
                return found[0] if found else None
            joined = np.concatenate(found, axis=-1)
            return self.layer(f"{name}_{number}_merge", joined)

        return node(len(matrix) - 1)

    def logits(self, images, reductions):
        (stem, norm) = [
            next(w for n, w in self.layers.items() if n.startswith(kind))
            for kind in ("conv2d", "stem")
        ]
        x = reference.conv(images, stem.kernel.numpy(), padding=1)
        x = self.batch_norm(x, [w.numpy() for w in norm.weights])
        previous = None
        for number, is_reduction in enumerate(reductions):
            name = f"cell{number}"
            if is_reduction:
                x = self.layer(name, x, strides=2)
            else:
                if previous == "cell":
                    x = self.layer(f"{name}_input", x)
                x = self.graph(TOP, name, x)
            previous = "reduction" if is_reduction else "cell"
        kernel, bias = self.layers["classifier"].weights
        return x.mean((1, 2)) @ kernel.numpy() + bias.numpy()


SHORT, LONG = (3, (0, 1, 1)), (7, (0, 0, 1, 0, 1, 0, 0))


@pytest.mark.parametrize(
    ("seed", "num_cells", "reductions"),
    [
        *((seed, *SHORT) for seed in range(6)),
        *((seed, *LONG) for seed in range(2, 6)),  # Large motifs are slow.
    ],
)
def test_the_network_is_what_the_adjacency_says(seed, num_cells, reductions):
    # Small motifs, of which some carry nothing, and all operations.
    space = SPACE if seed < 2 else HierarchicalSearchSpace(2)
    genotype = space.sample(seed)
    network = network_of(genotype, num_cells)
    expected = InNumPy(network).logits(IMAGES, reductions)
    np.testing.assert_allclose(network(IMAGES), expected, rtol=2e-3, atol=2e-4)


def with_edges(genotype, name, nodes):
    cell = Cell(tuple(map(tuple, nodes)), (len(nodes),))
    return Genotype(cells={**genotype.cells, name: cell})


def chain_of(motif, first=("skip_connect", 0)):
    """One node less than usual: a cell of one motif."""
    space = HierarchicalSearchSpace(1, ("none", "skip_connect"))
    genotype = space.identity()
    genotype = with_edges(genotype, motif, [[first]])
    return with_edges(
        genotype, TOP, [[(motif, 0)], [("motif_2", 0), ("none", 1)]]
    )


def test_a_motif_that_carries_nothing_is_no_edge():
    nothing = chain_of("motif_1", ("none", 0))
    both = [("motif_2", 0), ("motif_2", 1)]
    broken = with_edges(nothing, TOP, [[("motif_1", 0)], both])
    names = {layer.name for layer in network_of(broken).layers}
    assert "cell0_2_0_motif_2_1_0_skip_connect" in names
    assert not any("merge" in name or "_2_1_motif" in name for name in names)
    whole = with_edges(nothing, TOP, [[("motif_3", 0)], both])
    names = {layer.name for layer in network_of(whole).layers}
    assert {"cell0_2_merge", "cell0_2_1_motif_2_1_0_skip_connect"} <= names


def test_a_cell_that_carries_nothing_says_the_same_of_all_images():
    nothing = with_edges(
        chain_of("motif_1"), TOP, [[("none", 0)], [("none", 0), ("motif_1", 1)]]
    )
    # Three cells end with two reductions, and five with a cell.
    assert np.ptp(network_of(nothing, 5)(IMAGES), axis=0).max() == 0
    assert np.ptp(network_of(chain_of("motif_1"), 5)(IMAGES), axis=0).max() > 0


def test_the_cost_of_a_network_by_hand():
    genotype = chain_of("motif_2", ("separable_bn_relu_3x3", 0))
    genotype = with_edges(
        genotype,
        "motif_2",
        [[("depthwise_bn_relu_3x3", 0)]],
    )
    genotype = with_edges(
        genotype, TOP, [[("motif_2", 0)], [("motif_2", 0), ("motif_2", 1)]]
    )
    network = HierarchicalNetwork(genotype, 3, 3, 4, (8, 8, 2))
    stem = 64 * 9 * 2 * 3
    cell = 64 * (3 * 9 * 3 + 6 * 3)  # Three depthwise, one merge of two edges.
    first = 16 * (9 * 3 + 3 * 6)
    second = 4 * (9 * 6 + 6 * 12)
    assert multiply_adds(network) == stem + cell + first + second + 12 * 4


@pytest.mark.parametrize("multiplier", [1, 2])
def test_all_nodes_have_the_channels_of_their_stage(multiplier):
    network = network_of(SPACE.sample(0), 5, stem_multiplier=multiplier)
    merges = [
        layer.output.shape[-1]
        for layer in network.layers
        if layer.name.endswith("_merge")
    ]
    assert {*merges} == {FILTERS, 2 * FILTERS, 4 * FILTERS}
    names = {layer.name for layer in network.layers}
    assert ("cell0_input" in names) == (multiplier == 2)
    assert "cell2_input" not in names  # A reduction is before it.
    assert "cell1_input" in {
        layer.name for layer in network_of(chain_of("motif_1"), 8).layers
    }


def test_drop_path_drops_operations_but_no_identities():
    network = network_of(SPACE.sample(0), drop_path=True)
    operations = [
        layer
        for layer in network.layers
        if any(
            kind in layer.name
            for kind in ("_conv_", "depthw", "separ", "pool_")
        )
        and layer.name != "pooling"
    ]
    assert operations
    assert len(network.drop_path._inbound_nodes) >= len(operations)
    genotype = chain_of("motif_1")
    assert "drop_path" not in {
        layer.name for layer in network_of(genotype, drop_path=True).layers
    }


def test_the_stem_of_large_images():
    network = HierarchicalNetwork(
        chain_of("motif_1"), 2, 3, 4, (32, 32, 3), stem="imagenet"
    )
    assert network(np.zeros((1, 32, 32, 3))).shape == (1, 4)


@pytest.mark.parametrize("search", [False, True])
def test_a_network_is_saved(search, tmp_path):
    network = network_of(SPACE.sample(2), search=search, drop_path=True)
    expected = network(IMAGES)
    loaded = saved_and_loaded(network, tmp_path)
    assert isinstance(loaded, HierarchicalNetwork)
    assert loaded.genotype == network.genotype
    require_same(loaded(IMAGES), expected)
    assert through_json(network).get_config() == network.get_config()
