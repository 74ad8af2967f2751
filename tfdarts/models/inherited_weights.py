"""Weights that a network takes over from one with similar cells."""

import functools

import keras

from tfdarts.models import skeleton
from tfdarts.models.cnn_network import CNNNetwork
from tfdarts.models.cnn_network import named_edges
from tfdarts.models.rnn_network import RNNNetwork
from tfdarts.structures import STRUCTURES


def inherit_weights(network, parent):
    """Copies the weights of all layers that a parent has in the same place.

    The place of a layer in a cell is its cell, node, predecessor and
    primitive. In a recurrent cell, all edges of a node share a kernel; its
    place is the node and their predecessors. Layers outside of nodes have the
    same place in all networks. Weights of another shape are not copied.

    Args:
        network: `CNNNetwork` or `RNNNetwork`.
        parent: Network of the same class.

    Returns:
        Integer, the number of copied weights: variables, not numbers.

    Example:

    >>> options = {"num_classes": 10, "input_shape": (8, 8, 1)}
    >>> networks = [
    ...     CNNNetwork(name, init_channels=2, num_cells=3, **options)
    ...     for name in ("DARTS_V1", "DARTS_V2")
    ... ]
    >>> copied = inherit_weights(*networks)
    >>> 0 < copied < len(networks[0].weights)
    True

    Reference:

    - [Jin et al., 2019](https://arxiv.org/abs/1806.10282), section 2, where
      networks change such that all weights are inherited
    """
    inherited, copied = weights_by_place(parent), 0
    for place, variables in weights_by_place(network).items():
        for variable, source in zip(variables, inherited.get(place, ())):
            if variable.shape == source.shape:
                variable.assign(source)
                copied += 1
    return copied


@functools.singledispatch
def weights_by_place(network):
    """Returns lists of variables by their places, a dict."""
    raise ValueError(
        "Only networks of cells inherit weights. Received: "
        f"{type(network).__name__}."
    )


@weights_by_place.register
def _(network: CNNNetwork):
    places, num_inputs = {}, STRUCTURES[network.structure].num_inputs
    plans = skeleton.stack_of_cells(
        network.init_channels,
        network.num_cells,
        after_reduction=network.stem == "imagenet",
    )
    for position, plan in enumerate(plans):
        cell = network.cell_of(network.genotype, plan)
        names = cell and named_edges(cell, num_inputs, f"cell{position}")
        for node, edges in (names or {}).items():
            for name, edge in edges.items():
                places[name] = position, node, *edge
    # The convolutions of a stem have no names of their own.
    stem = [
        layer
        for layer in network.layers
        if isinstance(layer, keras.layers.Conv2D)
        and not layer.name.startswith("cell")
    ]
    places |= {layer.name: number for number, layer in enumerate(stem)}
    return {
        places.get(layer.name, layer.name): layer.weights
        for layer in network.layers
    }


@weights_by_place.register
def _(network: RNNNetwork):
    cell = network.recurrence.cell
    kernels = {
        (node, *sorted(source for _, source in edges)): [kernel]
        for (node, edges), kernel in zip(
            cell.edges_with_kernel.items(), cell.node_kernels, strict=True
        )
    }
    return {
        "embedding": network.embedding.weights,
        "decoder": [network.decoder_bias],
        "inputs": [cell.input_kernel],
        **kernels,
    }
