"""The edit distance between cells."""

import itertools

import numpy as np

from tfdarts.strategies.proposers.assignments import least_costs
from tfdarts.strategies.proposers.pairwise_distances import PairwiseDistances
from tfdarts.strategies.proposers.primitive_groups import group_of

SAME_GROUP = 0.5
"""The cost of replacing a primitive by another one of its group."""

MISSING = 2.0
"""The cost of an edge that the other cell lacks: its layer and its place."""


class EditDistance:
    """The least cost of the edits that turn a cell into another one.

    An edit gives an edge another primitive, another place, or both. The cost
    of another primitive is 1, or half of this in the same group, such as two
    convolutions. The cost of another place is that of Auto-Keras for skip
    connections: `(|u - u'| + |l - l'|) / (max(u, u') + max(l, l'))`, where `u`
    is the predecessor and `l` is how many nodes later the edge ends. An edge
    with the primitive `"none"` does not exist.

    `powers` are those of the kernel, as in `GaussianProcess`.

    This is a metric on the edges of a cell. Nodes are compared by their
    number, so cells that differ in the order of their nodes are different.

    Args:
        space: `tfdarts.CellSearchSpace`.

    Example:

    >>> from tfdarts.cells import Cell
    >>> from tfdarts.search_spaces.cnn import CNNSearchSpace
    >>> distance = EditDistance(CNNSearchSpace(num_nodes=1))
    >>> primitives = ("sep_conv_3x3", "sep_conv_5x5", "skip_connect")
    >>> cells = [
    ...     distance.describe(Cell((((each, 0), (each, 1)),), (2,)))
    ...     for each in primitives
    ... ]
    >>> distance.compare(cells[0], cells)
    array([[0., 1., 2.]])

    Reference:

    - [Jin et al., 2019](https://arxiv.org/abs/1806.10282), section 3.2
    """

    powers = (2,)

    def __init__(self, space):
        self.first = space.nodes[0]
        self.codes = {
            (primitive, *edge): number
            for number, (primitive, edge) in enumerate(
                itertools.product(space.primitives, space.edges)
            )
        }
        self.costs = np.array(
            [
                [_cost_of_edit(one, other) for other in self.codes]
                for one in self.codes
            ]
        )

    def describe(self, cell):
        """Returns the numbers of the edges of a cell, an array."""
        return np.array(
            [
                self.codes[primitive, node, predecessor]
                for node, edges in enumerate(cell.nodes, self.first)
                for primitive, predecessor in edges
                if primitive != "none"
            ],
            int,
        )

    def compare(self, described, others):
        """Returns the distances of a cell to others.

        Args:
            described: The result of `describe`.
            others: List of such results.

        Returns:
            Array `(1, others)`.
        """
        if not others:
            return np.zeros((1, 0))
        sizes = np.array([len(each) for each in others])
        costs = self.costs[described][:, np.concatenate(others)]
        edits = least_costs(costs, sizes)
        return (edits + MISSING * np.abs(sizes - len(described)))[None]

    def combine(self, sums):
        """Returns the distances of genotypes: the sums over their cells."""
        return sums


def nearest(space, genotype, others):
    """Returns the key of the genotype at the least edit distance.

    Args:
        space: `tfdarts.CellSearchSpace`.
        genotype: `Genotype`.
        others: Dict of genotypes.

    Returns:
        A key of the dict, the first one of equal distances, or `None` if it
        is empty.

    Example:

    >>> from tfdarts.search_spaces.cnn import CNNSearchSpace
    >>> space = CNNSearchSpace()
    >>> samples = {seed: space.sample(seed) for seed in range(5)}
    >>> nearest(space, space.neighbors(samples[3])[0], samples)
    3
    """
    if not others:
        return None
    distances = PairwiseDistances(EditDistance(space))
    for other in others.values():
        distances.add(tuple(other.cells.values()))
    cells = tuple(genotype.cells.values())
    found = distances.to_known([cells])[0, 0]
    return [*others][np.argmin(found.round(9))]


def _cost_of_edit(one, other):
    """Returns the cost of turning an edge into another one.

    Args:
        one, other: Tuples `(primitive, node, predecessor)`.
    """
    primitive, node, predecessor = one
    new_primitive, new_node, new_predecessor = other
    place = np.array([predecessor, node - predecessor])
    new_place = np.array([new_predecessor, new_node - new_predecessor])
    moved = np.abs(place - new_place).sum() / np.maximum(place, new_place).sum()
    if primitive == new_primitive:
        return moved
    same = group_of(primitive) == group_of(new_primitive)
    return moved + (SAME_GROUP if same else 1)
