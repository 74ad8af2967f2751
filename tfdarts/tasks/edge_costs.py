"""What each edge of a cell adds to the cost of a network."""

import re

import numpy as np

from tfdarts.layers.primitives import primitive
from tfdarts.models.multiply_adds import multiply_adds
from tfdarts.models.multiply_adds import multiply_adds_of_layer
from tfdarts.search_spaces.cell_costs import CellCosts
from tfdarts.strategies.gradient.derivations import keep_all_edges
from tfdarts.tasks.network_cost import nodes_of
from tfdarts.tasks.network_cost import predict_milliseconds
from tfdarts.tasks.networks import count_parameters

_NAME_OF_EDGE = re.compile(r"^cell(\d+)_node(\d+)_\d+_")


def plain_genotype(space):
    """Returns a genotype of all edges, each with a layer.

    Args:
        space: `CellSearchSpace`.
    """
    operations = [name != "none" for name in space.primitives]
    return keep_all_edges(space).derive(
        {n: 1.0 * (space.mask(n) & operations) for n in space.cell_types}
    )


def edge_costs(space, build_network, names, table=None):
    """Returns what the networks of a space cost, as sums over edges.

    The layers of each primitive are counted or measured alone, at the
    channels and image sizes of each cell of a network. The sum is an upper
    bound, because a network leaves out layers from which no path leads to the
    output. In the paper's space there are none.

    Args:
        space: `CellSearchSpace` whose networks have layers for edges.
        build_network: Function of a genotype that returns its network.
        names: Names of costs: `"parameters"`, `"multiply_adds"`,
            `"milliseconds"`.
        table: `LatencyTable`, for milliseconds.

    Returns:
        Dict from names to `CellCosts`.

    Raises:
        ValueError: If the cost of a network is not such a sum.
    """
    genotype = plain_genotype(space)
    network = build_network(genotype)
    of_layers = {
        "parameters": lambda layer, shape: count_parameters(layer),
        "multiply_adds": lambda layer, shape: multiply_adds_of_layer(
            layer, (None, *shape)
        ),
        "milliseconds": lambda layer, shape: table.milliseconds(layer, [shape]),
    }
    of_networks = {
        "parameters": count_parameters,
        "multiply_adds": multiply_adds,
        "milliseconds": lambda network: predict_milliseconds(network, table),
    }
    cells = _cells_of(space, network)
    layers = {}
    found = {}
    for name in names:
        edges = _sums(space, cells, layers, network, of_layers[name])
        without_base = CellCosts(0.0, edges)
        base = of_networks[name](network) - without_base.of(space, genotype)
        found[name] = CellCosts(base, edges)
    if table is not None:
        table.save()
    _require_sums(space, build_network, found, of_networks)
    return found


def _cells_of(space, network):
    """Returns the type, and both shapes, of each cell with layers of edges.

    Args:
        space: `CellSearchSpace`.
        network: The network of `plain_genotype`.

    Returns:
        List of `(cell type, shape of the inputs, shape of the nodes)`.
    """
    first = space.nodes[0]
    cells = {}
    for node in nodes_of(network):
        match = _NAME_OF_EDGE.match(node.operation.name)
        if match and int(match[2]) == first:
            inputs, outputs = (
                tuple(tensors[0].shape[1:])
                for tensors in (node.input_tensors, node.outputs)
            )
            # Of two types, the second one reduces the images.
            reduces = len(space.cell_types) > 1 and inputs[:2] != outputs[:2]
            cells[match[1]] = (space.cell_types[reduces], inputs, outputs)
    return [*cells.values()]


def _sums(space, cells, layers, network, cost_of_layer):
    """Returns the cost of each edge and primitive, a dict by cell type."""
    edges = {name: np.zeros(space.alpha_shape) for name in space.cell_types}
    num_inputs = space.structure.num_inputs
    for cell_type, inputs, outputs in cells:
        strides = 1 if inputs[:2] == outputs[:2] else 2
        for (edge, column), allowed in np.ndenumerate(space.mask(cell_type)):
            name, (_, source) = space.primitives[column], space.edges[edge]
            if name == "none" or not allowed:
                continue
            form = (strides, inputs) if source < num_inputs else (1, outputs)
            key = name, outputs[-1], *form
            if key not in layers:
                layers[key] = primitive(
                    *(name, outputs[-1], form[0]), dtype=network.dtype_policy
                )
                layers[key].build((None, *form[1]))
            edges[cell_type][edge, column] += cost_of_layer(
                layers[key], form[1]
            )
    return edges


def _has_no_dead_ends(space):
    """Returns whether each layer of each network leads to the output."""
    first = space.nodes[0]
    reads_all_inputs = space.num_kept(first) == first and not space.derive_none
    return reads_all_inputs and {*space.concat} == {*space.nodes}


def _require_sums(space, build_network, costs, of_networks):
    """Raises `ValueError` if real networks cost something else."""
    counts = {n: c for n, c in costs.items() if n != "milliseconds"}
    is_exact = _has_no_dead_ends(space)
    for seed in range(2):
        genotype = space.sample(seed)
        network = build_network(genotype)
        for name, cost in counts.items():
            counted = of_networks[name](network)
            difference = round(cost.of(space, genotype)) - counted
            if difference and (is_exact or difference < 0):
                raise ValueError(
                    f"The {name.replace('_', '-')} of the networks of "
                    f"--space={space.name} are no sum over the edges of cells, "
                    f"so a gradient method cannot limit them: leave "
                    f"--max_{name} out, or give a strategy that trains "
                    "candidates, such as --strategy=evolution."
                )
