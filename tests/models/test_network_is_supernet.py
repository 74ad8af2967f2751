"""The network in its search form is the supernet with the rest left out."""

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
    """With moving statistics that are not the initial ones."""
    supernet = CNNSupernet(**SIZES)
    random = np.random.default_rng(0)
    for variable in supernet.non_trainable_variables:
        variable.assign(random.uniform(0.5, 1.5, variable.shape))
    return supernet


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
    images = np.random.default_rng(1).normal(size=(3, *SIZES["input_shape"]))
    images = images.astype("float32")
    np.testing.assert_allclose(
        network(images, training=False),
        supernet(images, training=False),
        atol=1e-5,
    )
