"""Costs of networks as sums over the edges of cells, and bounds of them."""

import typing
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np
import scipy.optimize

from tfdarts.cells import Cell
from tfdarts.genotypes import Genotype
from tfdarts.search_spaces.cell_space import CellSearchSpace
from tfdarts.search_spaces.derivation import edge_weights_of

LEAST_PROBABILITY = 1e-30
"""Smaller probabilities count as this one, whose logarithm is finite."""


class CellCosts(typing.NamedTuple):
    """What networks cost: a constant, and a number for each kept edge.

    Parameters, multiply-adds and the latencies of single layers are such
    sums.

    Args:
        base: Float, the cost of the layers that every network has.
        edges: Dict from cell types to arrays of shape `space.alpha_shape`,
            the cost of each edge with each primitive, summed over all cells
            of the type.
    """

    base: float
    edges: Mapping[str, np.ndarray]

    def of(self, space: CellSearchSpace, genotype: Genotype) -> float:
        """Returns the cost of the network of a genotype.

        Args:
            space: The search space.
            genotype: `Genotype` of this space.
        """
        kept = edge_weights_of(space, genotype)
        return self.base + sum(
            float(np.sum(kept[name] * self.edges[name])) for name in kept
        )

    def times(self, factor: float) -> "CellCosts":
        """Returns all costs multiplied by a factor.

        Args:
            factor: Float.
        """
        edges = {name: factor * each for name, each in self.edges.items()}
        return CellCosts(factor * self.base, edges)


def choosable(space: CellSearchSpace, cell_type: str) -> np.ndarray:
    """Returns which primitives a kept edge may have, a boolean array.

    Args:
        space: The search space.
        cell_type: String.
    """
    operations = np.array([name != "none" for name in space.primitives])
    return space.mask(cell_type) & (operations | space.derive_none)


def derive_within(
    space: CellSearchSpace,
    probabilities: Mapping[str, np.ndarray],
    costs: Sequence[CellCosts],
    limits: Sequence[float],
) -> Genotype | None:
    """Returns the most probable genotype whose costs are within limits.

    The probability of a genotype is the product of the probabilities of its
    edges' primitives. Without limits, this is the genotype that
    `space.derive` returns, unless kept edges may have `"none"` and nodes
    leave edges out. The choice is an integer linear program, which HiGHS
    solves. A cost within a millionth of its limit may count as too high.

    Args:
        space: The search space.
        probabilities: Dict from cell types to arrays of shape
            `space.alpha_shape`.
        costs: Sequence of `CellCosts`.
        limits: Sequence of the largest value of each cost.

    Returns:
        `Genotype`, or `None` if each genotype exceeds a limit.

    Example:

    >>> space = tfdarts.CNNSearchSpace(1, ("skip_connect", "sep_conv_3x3"))
    >>> ones = np.ones(space.alpha_shape)
    >>> costs = CellCosts(5.0, {"normal": [0, 9] * ones, "reduce": 0 * ones})
    >>> wanted = {"normal": [0.1, 0.9] * ones, "reduce": [0.9, 0.1] * ones}
    >>> found = derive_within(space, wanted, [costs], [14.0])
    >>> costs.of(space, space.derive(wanted)), costs.of(space, found)
    (23.0, 14.0)
    """
    gains = {
        name: np.log(np.maximum(probabilities[name], LEAST_PROBABILITY))
        for name in space.cell_types
    }
    found = _best(space, gains, costs, limits)
    if found is None or _are_within(space, found, costs, limits):
        return found
    # HiGHS takes sums as equal that differ by a millionth.
    tighter = [(1 - 2e-6) * limit for limit in limits]
    return _best(space, gains, costs, tighter)


def cheapest(
    space: CellSearchSpace,
    cost: CellCosts,
    costs: Sequence[CellCosts] = (),
    limits: Sequence[float] = (),
) -> Genotype | None:
    """Returns the genotype of the lowest cost whose other costs are limited.

    Args:
        space: The search space.
        cost: `CellCosts`.
        costs, limits: See `derive_within`. Default to no limits.

    Returns:
        `Genotype`, or `None` if each genotype exceeds a limit.
    """
    gains = {name: -np.asarray(cost.edges[name]) for name in space.cell_types}
    return _best(space, gains, costs, limits)


def _are_within(space, genotype, costs, limits):
    """Returns whether all costs of a genotype are within their limits."""
    return all(
        each.of(space, genotype) <= limit for each, limit in zip(costs, limits)
    )


def _best(space, gains, costs, limits):
    """Returns the genotype of the largest sum of gains within limits.

    Args:
        space: The search space.
        gains: Dict from cell types to arrays of shape `space.alpha_shape`.
        costs, limits: See `derive_within`.
    """
    places = [
        (cell_type, edge, primitive)
        for cell_type in space.cell_types
        for edge, primitive in np.argwhere(choosable(space, cell_type))
    ]
    constraints = [
        *_structure(space, places),
        # In units of the limit, because HiGHS tolerates errors of 1e-6.
        *(
            scipy.optimize.LinearConstraint(
                _at(each.edges, places) / limit, ub=1 - each.base / limit
            )
            for each, limit in zip(costs, limits, strict=True)
        ),
    ]
    found = scipy.optimize.milp(
        -_at(gains, places),
        constraints=constraints,
        integrality=np.ones(len(places)),
        bounds=scipy.optimize.Bounds(0, 1),
        options={"mip_rel_gap": 0},
    )
    if found.x is None:
        return None
    kept = [place for place, x in zip(places, found.x) if x > 0.5]
    cells = {}
    for cell_type in space.cell_types:
        nodes = tuple(
            tuple(
                (space.primitives[primitive], space.edges[edge][1])
                for edge, primitive in _in_order(
                    space, cell_type, node, kept, gains
                )
            )
            for node in space.nodes
        )
        cells[cell_type] = Cell(nodes, space.concat_of(nodes))
    return Genotype(cells=cells)


def _structure(space, places):
    """Returns the constraints that make a choice of places a genotype."""
    of_edges, of_nodes = {}, {}
    for column, (cell_type, edge, _) in enumerate(places):
        node, _ = space.edges[edge]
        of_edges.setdefault((cell_type, edge), []).append(column)
        of_nodes.setdefault((cell_type, node), []).append(column)

    def sums(groups):
        rows = np.zeros((len(groups), len(places)))
        for row, columns in zip(rows, groups.values()):
            row[columns] = 1
        return rows

    kept = [space.num_kept(node) for _, node in of_nodes]
    return [
        scipy.optimize.LinearConstraint(sums(of_edges), ub=1),
        scipy.optimize.LinearConstraint(sums(of_nodes), kept, kept),
    ]


def _at(values, places):
    """Returns the values at places, an array."""
    return np.array([float(values[name][e, p]) for name, e, p in places])


def _in_order(space, cell_type, node, kept, gains):
    """Returns the kept edges of a node in the order of `derive`."""
    own = [
        (edge, primitive)
        for name, edge, primitive in kept
        if name == cell_type and space.edges[edge][0] == node
    ]
    if space.edges_per_node == "all":
        return own
    return sorted(own, key=lambda place: -gains[cell_type][place])
