"""Limits of the cost of a network, as a term of the loss of alpha."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfdarts.genotypes import Genotype
from tfdarts.search_spaces.cell_costs import CellCosts
from tfdarts.search_spaces.cell_costs import derive_within
from tfdarts.search_spaces.cell_space import CellSearchSpace
from tfdarts.strategies.gradient.expected_cost import ExpectedCost


class CostLimits:
    """Limits that a gradient method keeps, by one multiplier for each.

    The loss of alpha gains an augmented Lagrangian: for each limit

        (max(0, λ + ρ g)² - λ²) / 2ρ,  g = expected cost / limit - 1,

    with the multiplier λ and the growth ρ. After each epoch, `adapt` sets λ to
    `max(0, λ + ρ g)` with the cost of the genotype that the probabilities
    give, so that λ grows until that genotype is within the limit, and falls
    when it is cheaper.

    `derive` is the rule of derivation under the limits, which hold for each of
    its genotypes, whatever the multipliers are.

    Args:
        space: The search space of the derivation.
        costs: Dict from names of costs to `CellCosts`.
        limits: Dict from the same names to numbers.
        growth: Float, ρ. Defaults to `1.0`.

    Attributes:
        multipliers: Keras variable, the multipliers in the order of `limits`.
            Keep it in checkpoints.

    Raises:
        ValueError: If the cheapest network exceeds a limit.

    Reference:

    - [Platt and Barr, 1988](https://papers.nips.cc/paper/1987/hash/a87ff679a2f3e71d9181a67b7542122c-Abstract.html),
      the differential method of multipliers
    - Nocedal and Wright, Numerical Optimization, 2006, equation 17.65
    """

    def __init__(
        self,
        space: CellSearchSpace,
        costs: Mapping[str, CellCosts],
        limits: Mapping[str, float],
        growth: float = 1.0,
    ):
        self.space = space
        self.names = [*limits]
        self.costs = [costs[name] for name in self.names]
        self.limits = dict(limits)
        self.growth = growth
        self.expected = ExpectedCost(space, self.costs)
        self.multipliers = keras.Variable(
            np.zeros(len(limits)), trainable=False, name="limit_multipliers"
        )
        self._compiled = tf.function(self._penalty, autograph=False)

    def gradients(self, supernet: keras.Model) -> tuple[tf.Tensor, list]:
        """Returns the term of the loss of alpha, and its gradients.

        Args:
            supernet: `tfdarts.models.supernet.Supernet`.

        Returns:
            Scalar, and a list of tensors in the order of
            `supernet.alpha_variables`.
        """
        return self._compiled(supernet)

    def _penalty(self, supernet):
        variables = [each.value for each in supernet.alpha_variables]
        with tf.GradientTape() as tape:
            tape.watch(variables)
            expected = self.expected(
                {n: a.expected_weights() for n, a in supernet.alphas.items()}
            )
            penalty = self.penalty_of(expected)
        return penalty, tape.gradient(
            penalty, variables, unconnected_gradients="zero"
        )

    def penalty_of(self, costs: tf.Tensor) -> tf.Tensor:
        """Returns the term for given costs, a scalar.

        Args:
            costs: Tensor, one number for each limit.
        """
        multipliers = tf.cast(self.multipliers.value, costs.dtype)
        excess = costs / self._of_limits(costs.dtype) - 1
        raised = tf.nn.relu(multipliers + self.growth * excess)
        return tf.reduce_sum(raised**2 - multipliers**2) / (2 * self.growth)

    def adapt(self, probabilities: Mapping[str, np.ndarray]) -> None:
        """Changes the multipliers by the cost of the most probable genotype.

        Args:
            probabilities: Dict from cell types to arrays
                `(edges, primitives)`.
        """
        costs = [*self.costs_of(self.space.derive(probabilities)).values()]
        excess = np.array(costs) / self._of_limits("float64").numpy() - 1
        raised = self.multipliers.numpy() + self.growth * excess
        self.multipliers.assign(np.maximum(raised, 0))

    def costs_of(self, genotype: Genotype) -> dict[str, float]:
        """Returns the costs of the network of a genotype, by name.

        Args:
            genotype: `Genotype`.
        """
        return {
            name: each.of(self.space, genotype)
            for name, each in zip(self.names, self.costs)
        }

    def hold(self, genotype: Genotype) -> bool:
        """Returns whether the network of a genotype is within all limits.

        Args:
            genotype: `Genotype`.
        """
        costs = self.costs_of(genotype)
        return all(costs[name] <= self.limits[name] for name in self.names)

    def derive(
        self, space: Any, probabilities: Mapping[str, np.ndarray]
    ) -> Genotype:
        """Returns the most probable genotype within the limits.

        Args:
            space: The search space of the supernet. The space of the
                derivation, which may keep more edges, replaces it.
            probabilities: See `adapt`.

        Raises:
            ValueError: If the cheapest network exceeds a limit.
        """
        found = self.space.derive(probabilities)
        if self.hold(found):
            return found
        limits = [self.limits[name] for name in self.names]
        found = derive_within(self.space, probabilities, self.costs, limits)
        if found is None:
            raise ValueError(
                "No genotype of the search space has a network within the "
                "limits: raise them."
            )
        return found

    def _of_limits(self, dtype):
        return tf.constant([self.limits[name] for name in self.names], dtype)


class AdaptLimits(keras.callbacks.Callback):
    """Adapts the multipliers of limits after each epoch that moves alpha.

    The logs gain `multiplier_<cost>` for each limit and `derived_<cost>`, the
    cost of the most probable genotype.

    Args:
        search: `DARTS` with `cost_limits`.
    """

    def __init__(self, search: keras.Model):
        super().__init__()
        self.search = search

    def on_epoch_end(self, epoch, logs=None):
        limits = self.search.cost_limits
        probabilities = self.search.probabilities()
        if int(self.search.alpha_optimizer.iterations.numpy()):
            limits.adapt(probabilities)
        derived = limits.costs_of(limits.space.derive(probabilities))
        for number, name in enumerate(limits.names):
            logs[f"derived_{name}"] = derived[name]
            logs[f"multiplier_{name}"] = float(
                limits.multipliers.numpy()[number]
            )
