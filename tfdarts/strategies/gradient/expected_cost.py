"""The expected cost of the network that a supernet stands for."""

import itertools
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfdarts.search_spaces.cell_costs import LEAST_PROBABILITY
from tfdarts.search_spaces.cell_costs import CellCosts
from tfdarts.search_spaces.cell_costs import choosable
from tfdarts.search_spaces.cell_space import CellSearchSpace


class ExpectedCost:
    """The mean cost of random genotypes, as a function of the edge weights.

    A node keeps each set of edges with a probability proportional to the
    product of their strengths, so that it keeps as many edges as a genotype
    has. The strength is that by which a genotype is derived: the largest
    weight of an operation other than `"none"`. The probability of a primitive
    of a kept edge is its weight, divided by the sum of the weights of all
    primitives that a genotype may have.
    The mean over these genotypes is computed exactly, and it has a gradient
    in the weights. The most probable of these genotypes is the derived one.

    Args:
        space: The search space of the derivation.
        costs: Sequence of `CellCosts`.

    Example:

    >>> space = tfdarts.CNNSearchSpace(1, ("skip_connect", "sep_conv_3x3"))
    >>> ones = np.ones(space.alpha_shape)
    >>> costs = CellCosts(5.0, {"normal": [0, 9] * ones, "reduce": 0 * ones})
    >>> half = tf.constant(ones / 2)
    >>> mean = ExpectedCost(space, [costs])({"normal": half, "reduce": half})
    >>> mean.numpy()  # 5 and half of 9 for each of two edges
    array([14.])

    Reference:

    - [Cai et al., 2019](https://arxiv.org/abs/1812.00332), equations 4 and 5,
      and [Wu et al., 2019](https://arxiv.org/abs/1812.03443), equation 6, for
      choices between operations; here also between edges
    """

    def __init__(self, space: CellSearchSpace, costs: Sequence[CellCosts]):
        self.space = space
        self.base = np.array([each.base for each in costs])
        self.edges = {
            name: np.array([each.edges[name] for each in costs])
            for name in space.cell_types
        }
        self._choosable = {n: choosable(space, n) for n in space.cell_types}
        self._operations = np.array([n != "none" for n in space.primitives])
        # One row for each set of edges that a node may keep.
        self._sets, self._nodes = _sets_of_edges(space)

    def __call__(self, weights: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Returns the expected value of each cost.

        Args:
            weights: Dict from cell types to tensors of shape
                `space.alpha_shape`, none below 0.
        """
        total = tf.constant(self.base, next(iter(weights.values())).dtype)
        for cell_type in self.space.cell_types:
            own = weights[cell_type]
            kept = self._kept(own)[:, tf.newaxis] * self._choice(cell_type, own)
            costs = tf.constant(self.edges[cell_type], own.dtype)
            total += tf.einsum("cep,ep->c", costs, kept)
        return total

    def _kept(self, weights):
        """Returns the probability of each edge to be kept."""
        operations = tf.boolean_mask(weights, self._operations, axis=1)
        strengths = tf.reduce_max(operations, axis=1)
        logs = tf.math.log(tf.maximum(strengths, LEAST_PROBABILITY))
        sets = tf.constant(self._sets, weights.dtype)
        scores = tf.linalg.matvec(sets, logs)
        highest = tf.gather(
            tf.math.segment_max(scores, self._nodes), self._nodes
        )
        shares = tf.exp(scores - tf.stop_gradient(highest))
        sums = tf.gather(tf.math.segment_sum(shares, self._nodes), self._nodes)
        return tf.linalg.matvec(sets, shares / sums, transpose_a=True)

    def _choice(self, cell_type, weights):
        """Returns the probabilities of the primitives of a kept edge."""
        usable = weights * tf.constant(
            self._choosable[cell_type], weights.dtype
        )
        sums = tf.reduce_sum(usable, axis=1, keepdims=True)
        return usable / tf.maximum(sums, LEAST_PROBABILITY)


def _sets_of_edges(space):
    """Returns the sets of edges that nodes may keep, and the node of each.

    Args:
        space: `CellSearchSpace`.

    Returns:
        Array `(sets, edges)` of 0 and 1, and array `(sets,)` of the positions
        of the nodes.
    """
    rows, nodes = [], []
    for position, node in enumerate(space.nodes):
        into = [e for e, (to, _) in enumerate(space.edges) if to == node]
        for kept in itertools.combinations(into, space.num_kept(node)):
            row = np.zeros(space.num_edges)
            row[list(kept)] = 1
            rows.append(row)
            nodes.append(position)
    return np.array(rows), np.array(nodes)
