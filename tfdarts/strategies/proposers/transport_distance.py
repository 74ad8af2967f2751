"""The optimal transport distance between cells (OTMANN)."""

import itertools
import math
import typing

import numpy as np
from scipy.spatial.distance import cdist

from tfdarts.strategies.proposers.assignments import least_costs
from tfdarts.strategies.proposers.primitive_groups import group_of
from tfdarts.strategies.proposers.primitive_groups import kind_and_size
from tfdarts.strategies.proposers.primitive_groups import num_layers

UNASSIGNED = 1.0
"""The cost of a unit of mass that is not transported."""

PLACE_WEIGHT = 0.4
"""The weight of the difference in place: one of the published 0.1 to 0.8."""

GROUPS = {
    "layers": ("all", "conv", "pool"),
    "activations": ("all", "rectifier", "sigmoid"),
}
"""The groups whose layers are counted on a path, by kind of primitive."""


class Layers(typing.NamedTuple):
    """The layers of a cell.

    Args:
        primitives: Integer array, the numbers of their primitives.
        places: Array `(layers, lengths)`, the lengths of the paths from the
            inputs of the cell and to its output.
        units: Integer array, for each unit of mass the number of its layer.
    """

    primitives: np.ndarray
    places: np.ndarray
    units: np.ndarray


class TransportDistance:
    """The least cost of transporting the layers of a cell to another one.

    A layer has a mass, the number of its convolutions, or 1. A unit of mass
    costs 1 in each cell if it is not transported. Otherwise it costs the
    mismatch of the primitives, and a part of the mean difference of the
    lengths of the paths to the inputs and to the output: the shortest, the
    longest and that of a random walk, for all layers and for those of each
    group. Edges that carry nothing do not exist.

    `powers` are those of the kernel, as in `GaussianProcess`: one of the
    distance, and one of the distance divided by the masses.

    This is a pseudometric, as in the paper: cells that differ in the order of
    their nodes have the distance 0.

    Args:
        space: `tfdarts.CellSearchSpace`.

    Example:

    >>> from tfdarts.cells import Cell
    >>> from tfdarts.search_spaces.cnn import CNNSearchSpace
    >>> distance = TransportDistance(CNNSearchSpace(num_nodes=1))
    >>> primitives = ("dil_conv_3x3", "dil_conv_5x5", "skip_connect")
    >>> cells = [
    ...     distance.describe(Cell((((each, 0), (each, 1)),), (2,)))
    ...     for each in primitives
    ... ]
    >>> distance.compare(cells[0], cells)
    array([[0. , 0.4, 4. ],
           [4. , 4. , 4. ]])

    Reference:

    - [Kandasamy et al., 2018](https://arxiv.org/abs/1802.07191), section 3
    """

    powers = (1, 2)

    def __init__(self, space):
        self.num_inputs = space.nodes[0]
        self.groups = GROUPS[space.structure.primitives]
        names = [name for name in space.primitives if name != "none"]
        self.numbers = {name: number for number, name in enumerate(names)}
        self.weights = np.array([lengths_of(n, self.groups) for n in names])
        self.mismatches = np.array(
            [[cost_of_mismatch(one, other) for other in names] for one in names]
        )

    def describe(self, cell):
        """Returns the `Layers` of a cell."""
        edges = _live_edges(cell, self.num_inputs)
        before = self._lengths_before(edges)
        after = self._lengths_after(edges, cell.concat)
        primitives = [primitive for primitive, _, _ in edges]
        places = [
            np.concatenate([before[predecessor], after[node]]).ravel()
            for _, predecessor, node in edges
        ]
        return Layers(
            np.array([self.numbers[name] for name in primitives], int),
            np.reshape(places, (-1, 6 * len(self.groups))),
            np.repeat(np.arange(len(edges)), [*map(num_layers, primitives)]),
        )

    def compare(self, described, others):
        """Returns the distances of a cell to others, and the masses of both.

        Args:
            described: The result of `describe`.
            others: List of such results.

        Returns:
            Array `(2, others)`.
        """
        if not others:
            return np.zeros((2, 0))
        primitives = np.concatenate([each.primitives for each in others])
        places = np.concatenate([each.places for each in others])
        mismatches = self.mismatches[described.primitives[:, None], primitives]
        moved = cdist(described.places, places, "cityblock") / places.shape[1]
        # What transport saves against leaving a unit on both sides.
        costs = mismatches + PLACE_WEIGHT * moved - 2 * UNASSIGNED
        costs = np.minimum(costs, 0)[described.units]
        firsts = np.cumsum([0, *(len(each.primitives) for each in others[:-1])])
        columns = [first + other.units for first, other in zip(firsts, others)]
        sizes = np.array([len(other.units) for other in others])
        saved = least_costs(costs[:, np.concatenate(columns)], sizes)
        masses = sizes + len(described.units)
        return np.array([UNASSIGNED * masses + saved, masses])

    def combine(self, sums):
        """Returns the distances of genotypes, and those for a mass of 1."""
        distances, masses = sums
        of_mass_1 = np.zeros_like(distances)
        np.divide(distances, masses, out=of_mass_1, where=masses > 0)
        return np.array([distances, of_mass_1])

    def _lengths_before(self, edges):
        """Returns the lengths of paths from the inputs, by node."""
        # The second input is the output of a cell of which the first is input.
        found = {n: np.full(self._shape, n) for n in range(self.num_inputs)}
        for node, incoming in itertools.groupby(edges, lambda edge: edge[2]):
            found[node] = _shorten(
                [
                    found[predecessor] + self._weights(primitive)
                    for primitive, predecessor, _ in incoming
                ]
            )
        return found

    def _lengths_after(self, edges, concat):
        """Returns the lengths of paths to the output, by node."""
        ways = {node: [np.zeros(self._shape)] for node in concat}
        found = {}
        for node, incoming in itertools.groupby(
            reversed(edges), lambda edge: edge[2]
        ):
            found[node] = _shorten(ways[node])
            for primitive, predecessor, _ in incoming:
                length = found[node] + self._weights(primitive)
                ways.setdefault(predecessor, []).append(length)
        return found

    @property
    def _shape(self):
        """The shortest, the longest and the random path, for each group."""
        return 3, len(self.groups)

    def _weights(self, primitive):
        """Returns the number of layers of a primitive, for each group."""
        return self.weights[self.numbers[primitive]]


def lengths_of(primitive, groups):
    """Returns by how much a primitive lengthens a path, for each group.

    Args:
        primitive: String.
        groups: Sequence of strings.

    Example:

    >>> lengths_of("sep_conv_3x3", ("all", "conv", "pool"))
    [2, 2, 0]
    """
    # A skip connection is an edge of the paper's networks, not a layer.
    length = 0 if primitive == "skip_connect" else num_layers(primitive)
    own = "all", group_of(primitive)
    return [length * (group in own) for group in groups]


def cost_of_mismatch(one, other):
    """Returns the cost of transporting a unit of a primitive to another one.

    Kernels of convolutions of one kind cost `sqrt(2) / 10 * sqrt(|k - k'|)`.
    Other kinds of convolutions cost as the authors' residual blocks do.

    Args:
        one, other: Strings.

    Example:

    >>> cost_of_mismatch("max_pool_3x3", "avg_pool_3x3")
    0.5
    >>> round(cost_of_mismatch("sep_conv_3x3", "sep_conv_5x5"), 3)
    0.2
    """
    if one == other:
        return 0.0
    group = group_of(one)
    if {group, group_of(other)} == {"rectifier", "sigmoid"}:
        return 0.25
    if group != group_of(other):
        return math.inf
    if group != "conv":
        return 0.5 if group == "pool" else 0.1
    (kind, size), (other_kind, other_size) = map(kind_and_size, (one, other))
    kernels = math.sqrt(2 * abs(size - other_size)) / 10
    return kernels if kind == other_kind else 0.9 * kernels + 0.1


def _live_edges(cell, num_inputs):
    """Returns the edges on paths from an input to the output, in order.

    Returns:
        List of tuples `(primitive, predecessor, node)`.
    """
    edges = [
        (primitive, predecessor, node)
        for node, edges in enumerate(cell.nodes, num_inputs)
        for primitive, predecessor in edges
        if primitive != "none"
    ]
    fed, read = {*range(num_inputs)}, {*cell.concat}
    for _, predecessor, node in edges:
        if predecessor in fed:
            fed.add(node)
    for _, predecessor, node in reversed(edges):
        if node in read:
            read.add(predecessor)
    return [
        (primitive, predecessor, node)
        for primitive, predecessor, node in edges
        if predecessor in fed and node in read
    ]


def _shorten(ways):
    """Returns the shortest, the longest and the mean length of ways."""
    ways = np.array(ways)
    mean = ways[:, 2].sum(axis=0) / len(ways)
    return np.array([ways[:, 0].min(axis=0), ways[:, 1].max(axis=0), mean])
