"""Weights that networks inherit from networks with similar cells."""

import keras
import numpy as np
import pytest

from tfdarts.genotypes import Genotype
from tfdarts.models.cnn_network import CNNNetwork
from tfdarts.models.densenet import densenet_bc
from tfdarts.models.inherited_weights import inherit_weights
from tfdarts.models.nas_bench_201_models import NASBench201Network
from tfdarts.models.rnn_network import RNNNetwork

IMAGES = {
    "init_channels": 2,
    "num_cells": 3,
    "num_classes": 3,
    "input_shape": (8, 8, 1),
}
SEP, DIL, POOL = "sep_conv_3x3", "dil_conv_3x3", "max_pool_3x3"


def cells(first, second):
    """A genotype of two nodes, the same in both cells."""
    nodes = {"nodes": [first, second], "concat": [2, 3]}
    return Genotype(cells={"normal": nodes, "reduce": nodes})


def random_values(network, seed):
    """Gives all weights random values."""
    generator = np.random.default_rng(seed)
    for variable in network.weights:
        variable.assign(generator.uniform(0.5, 1.5, variable.shape))
    return network


def two_networks(build, *genotypes):
    return [
        random_values(build(genotype), seed)
        for seed, genotype in enumerate(genotypes)
    ]


def layers_of(network):
    return {layer.name: layer.get_weights() for layer in network.layers}


def equal(one, other):
    assert len(one) == len(other) > 0
    return all(map(np.array_equal, one, other))


def test_layers_of_images_are_found_by_their_place():
    child, parent = two_networks(
        lambda genotype: CNNNetwork(genotype, **IMAGES),
        cells([(SEP, 0), (POOL, 1)], [(SEP, 1), (DIL, 2)]),
        # Of the second node, `DIL` comes first; `SEP` has another predecessor.
        cells([(SEP, 0), (DIL, 1)], [(DIL, 2), (SEP, 0)]),
    )
    before, theirs = layers_of(child), layers_of(parent)
    copied = inherit_weights(child, parent)
    after = layers_of(child)
    inherited = {
        name: name
        for name in ("stem_conv", "classifier", "cell0_older", "cell2_newer")
        if name in after
    }
    for cell in range(3):
        node = f"cell{cell}_node"
        inherited[f"{node}2_0_{SEP}"] = f"{node}2_0_{SEP}"
        inherited[f"{node}3_1_{DIL}"] = f"{node}3_0_{DIL}"
        name = f"{node}3_0_{SEP}"
        assert equal(after[name], before[name])
    assert "classifier" in inherited and "cell0_older" in inherited
    for name, other in inherited.items():
        assert equal(after[name], theirs[other])
        assert not equal(after[name], before[name])
    new = sum(len(after[f"cell{cell}_node3_0_{SEP}"]) for cell in range(3))
    assert copied == len(child.weights) - new


def test_a_network_with_the_same_cells_computes_the_same():
    genotype = cells([(SEP, 0), (POOL, 1)], [(SEP, 1), (DIL, 2)])
    child, parent = two_networks(
        lambda each: CNNNetwork(each, **IMAGES), genotype, genotype
    )
    images = np.random.default_rng(2).normal(size=(2, 8, 8, 1))
    assert not np.allclose(child(images), parent(images))
    assert inherit_weights(child, parent) == len(child.weights)
    np.testing.assert_array_equal(child(images), parent(images))


def test_weights_of_another_shape_stay():
    genotype = cells([(SEP, 0), (POOL, 1)], [(SEP, 1), (DIL, 2)])
    parent = CNNNetwork(genotype, **IMAGES)
    child = CNNNetwork(genotype, **(IMAGES | {"num_classes": 4}))
    before = child.get_layer("classifier").get_weights()
    assert inherit_weights(child, parent) == len(child.weights) - 2
    assert equal(child.get_layer("classifier").get_weights(), before)


def test_cells_of_nas_bench_201_inherit():
    def genotype(last):
        nodes = [
            [("nor_conv_1x1", 0)],
            [("none", 0), ("skip_connect", 1)],
            [last, ("none", 1), ("nor_conv_3x3", 2)],
        ]
        return Genotype(cells={"cell": {"nodes": nodes, "concat": [3]}})

    child, parent = two_networks(
        lambda each: NASBench201Network(each, **IMAGES),
        genotype(("nor_conv_3x3", 0)),
        genotype(("none", 0)),
    )
    theirs = layers_of(parent)
    copied = inherit_weights(child, parent)
    after = layers_of(child)
    name = "cell0_node3_{}_nor_conv_3x3"
    assert equal(after[name.format(1)], theirs[name.format(0)])
    assert not equal(after[name.format(0)], theirs[name.format(0)])
    cells = sum(f"cell{n}_node1_0_nor_conv_1x1" in after for n in range(3))
    new = cells * len(after[name.format(0)])
    assert copied == len(child.weights) - new


def test_nodes_of_texts_inherit_if_they_read_the_same():
    def genotype(*edges):
        nodes = [[edge] for edge in edges]
        cell = {"nodes": nodes, "concat": [1, 2, 3]}
        return Genotype(cells={"recurrent": cell})

    child, parent = two_networks(
        lambda each: RNNNetwork(each, vocabulary_size=5, units=3),
        genotype(("tanh", 0), ("none", 0), ("relu", 1)),
        genotype(("relu", 0), ("tanh", 0), ("relu", 2)),
    )
    (_, last) = kept = child.recurrence.cell.node_kernels
    before = np.array(last)
    copied = inherit_weights(child, parent)
    first, *_ = parent.recurrence.cell.node_kernels
    np.testing.assert_array_equal(kept[0], first)
    np.testing.assert_array_equal(last, before)
    assert copied == len(child.weights) - 1
    np.testing.assert_array_equal(child.decoder_bias, parent.decoder_bias)


def test_other_networks_do_not_inherit():
    network = densenet_bc(10, 2, 3, (8, 8, 1))
    with pytest.raises(ValueError, match="Only networks of cells inherit weig"):
        inherit_weights(network, network)
    assert isinstance(network, keras.Model)
