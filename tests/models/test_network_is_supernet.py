"""The network in its search form is the supernet with the rest left out."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfdarts.layers.alphas import Alphas
from tfdarts.models.cnn_network import CNNNetwork
from tfdarts.models.cnn_supernet import CNNSupernet
from tfdarts.search_spaces.cnn import CNNSearchSpace

SIZES = {"init_channels": 2, "num_cells": 3, "num_classes": 5}
# Seeds of genotypes in which "none" occurs, where it may, and whose networks
# still see the image.
SEEDS = {1: 0, 2: 0, "all": 0}
SHAPES = {"cifar": (9, 8, 2), "imagenet": (33, 40, 2)}


@pytest.fixture(scope="module", params=SHAPES)
def supernet(request):
    """With the moving statistics of what it has seen.

    With any others nothing of an image might come through all batch norms.
    """
    keras.utils.set_random_seed(0)
    shape = SHAPES[request.param]
    supernet = CNNSupernet(**SIZES, input_shape=shape, stem=request.param)
    for seed in range(20):
        supernet(images(16, shape, seed), training=True)
    return supernet


def images(number, shape, seed):
    random = np.random.default_rng(seed)
    brightness = random.normal(size=(number, 1, 1, shape[-1]))
    noise = random.normal(size=(number, *shape))
    return (brightness + noise).astype("float32")


def one_hot(space, cell):
    """Weight 1 where the cell has an operation, 0 elsewhere."""
    weights = np.zeros(space.alpha_shape, "float32")
    for node, edges in enumerate(cell.nodes, 2):
        for operation, source in edges:
            edge = space.edges.index((node, source))
            weights[edge, space.primitives.index(operation)] = 1
    return tf.constant(weights)


def copy_weights(supernet, network):
    layers = {layer.name: layer for layer in network.layers}

    def copy(layer, name):
        # A node that no edge leaves is not in the network.
        if name in layers:
            layers[name].set_weights(layer.get_weights())

    if supernet.stem == "cifar":
        stem = [supernet.stem_conv, supernet.stem_norm]
    else:
        stem = [x for x in supernet.reducing_stem.layers if x.weights]
    in_network = [
        layer
        for name, layer in layers.items()
        if layer.weights and not name.startswith(("cell", "classifier"))
    ]
    assert len(stem) == len(in_network)
    for mine, its in zip(stem, in_network):
        its.set_weights(mine.get_weights())
    copy(supernet.classifier, "classifier")
    space, genotype = supernet.space, network.genotype
    for number, cell in enumerate(supernet.cells):
        copy(cell.preprocess[0], f"cell{number}_older")
        copy(cell.preprocess[1], f"cell{number}_newer")
        kept = genotype.cells["reduce" if cell.reduction else "normal"]
        for node, edges in enumerate(kept.nodes, 2):
            present = [edge for edge in edges if edge[0] != "none"]
            for position, (operation, source) in enumerate(present):
                outgoing = [
                    space.edges[e] for e in space.outgoing_edges(source)
                ]
                edge = outgoing.index((node, source))
                copy(
                    cell.mixed_ops[source].operation_of(edge, operation),
                    f"cell{number}_node{node}_{position}_{operation}",
                )


@pytest.mark.parametrize("edges_per_node", [1, 2, "all"])
def test_same_logits_with_copied_weights(supernet, monkeypatch, edges_per_node):
    space = supernet.space
    genotype = CNNSearchSpace(
        edges_per_node=edges_per_node, derive_none=edges_per_node != 2
    ).sample(SEEDS[edges_per_node])
    assert ("none" in dict(genotype.normal)) == (edges_per_node != 2)
    shape = supernet.image_shape
    network = CNNNetwork(
        genotype, **SIZES, input_shape=shape, search=True, stem=supernet.stem
    )
    copy_weights(supernet, network)
    hot = {
        cell_type: one_hot(space, cell)
        for cell_type, cell in genotype.cells.items()
    }
    monkeypatch.setattr(
        Alphas, "edge_weights", lambda self, training: hot[self.name]
    )
    batch = images(3, shape, seed=100)
    expected = supernet(batch, training=False).numpy()
    assert expected.std(0).max() > 0.001
    np.testing.assert_allclose(
        network(batch, training=False), expected, atol=1e-5
    )
