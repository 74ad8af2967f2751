"""The network in its search form is the supernet with the rest left out."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfdarts.layers.alphas import Alphas
from tfdarts.models.cnn_network import CNNNetwork
from tfdarts.models.cnn_supernet import CNNSupernet

SIZES = {
    "init_channels": 2,
    "num_cells": 3,
    "num_classes": 5,
    "input_shape": (9, 8, 2),
}


@pytest.fixture(scope="module")
def supernet():
    """With the moving statistics of what it has seen.

    With any others nothing of an image might come through all batch norms.
    """
    keras.utils.set_random_seed(0)
    supernet = CNNSupernet(**SIZES)
    for seed in range(20):
        supernet(images(16, seed), training=True)
    return supernet


def images(number, seed):
    random = np.random.default_rng(seed)
    shape = (number, *SIZES["input_shape"])
    return random.normal(size=shape).astype("float32")


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

    (stem_conv,) = [
        layer for layer in network.layers if layer.name.startswith("conv2d")
    ]
    stem_conv.set_weights(supernet.stem_conv.get_weights())
    copy(supernet.stem_norm, "stem")
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


@pytest.mark.parametrize("seed", range(4))
def test_same_logits_with_copied_weights(supernet, monkeypatch, seed):
    space = supernet.space
    genotype = space.sample(seed)
    network = CNNNetwork(genotype, **SIZES, search=True)
    copy_weights(supernet, network)
    hot = {
        "normal": one_hot(space, genotype.normal),
        "reduce": one_hot(space, genotype.reduce),
    }
    monkeypatch.setattr(Alphas, "edge_weights", lambda self: hot[self.name])
    batch = images(3, seed=100)
    expected = supernet(batch, training=False).numpy()
    assert expected.std(0).max() > 0.01
    np.testing.assert_allclose(
        network(batch, training=False), expected, atol=1e-5
    )
