"""The network in its search form is the supernet with the rest left out."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfdarts.layers.alphas import Alphas
from tfdarts.models.cnn_network import CNNNetwork
from tfdarts.models.cnn_supernet import CNNSupernet

SIZES = {"init_channels": 2, "num_cells": 3, "num_classes": 5}
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
    for position, (operation, source) in enumerate(cell):
        edge = space.edges.index((position // 2 + 2, source))
        weights[edge, space.primitives.index(operation)] = 1
    return tf.constant(weights)


def copy_weights(supernet, network):
    def copy(layer, name):
        network.get_layer(name).set_weights(layer.get_weights())

    if supernet.stem == "cifar":
        stem = [supernet.stem_conv, supernet.stem_norm]
    else:
        stem = [x for x in supernet.reducing_stem.layers if x.weights]
    first_cell = network.layers.index(network.get_layer("cell0_older"))
    in_network = [x for x in network.layers[:first_cell] if x.weights]
    assert len(stem) == len(in_network)
    for mine, its in zip(stem, in_network):
        its.set_weights(mine.get_weights())
    copy(supernet.classifier, "classifier")
    space, genotype = supernet.space, network.genotype
    for number, cell in enumerate(supernet.cells):
        copy(cell.preprocess[0], f"cell{number}_older")
        copy(cell.preprocess[1], f"cell{number}_newer")
        edges = genotype.reduce if cell.reduction else genotype.normal
        for position, (operation, source) in enumerate(edges):
            node = position // 2 + 2
            outgoing = [space.edges[e] for e in space.outgoing_edges(source)]
            edge = outgoing.index((node, source))
            copy(
                cell.mixed_ops[source].operation_of(edge, operation),
                f"cell{number}_node{node}_{position % 2}_{operation}",
            )


@pytest.mark.parametrize("seed", range(2))
def test_same_logits_with_copied_weights(supernet, monkeypatch, seed):
    space = supernet.space
    genotype = space.sample(seed)
    shape = supernet.image_shape
    network = CNNNetwork(
        genotype, **SIZES, input_shape=shape, search=True, stem=supernet.stem
    )
    copy_weights(supernet, network)
    hot = {
        "normal": one_hot(space, genotype.normal),
        "reduce": one_hot(space, genotype.reduce),
    }
    monkeypatch.setattr(
        Alphas, "edge_weights", lambda self, training: hot[self.name]
    )
    batch = images(3, shape, seed=100)
    expected = supernet(batch, training=False).numpy()
    assert expected.std(0).max() > 0.01
    np.testing.assert_allclose(
        network(batch, training=False), expected, atol=1e-5
    )
