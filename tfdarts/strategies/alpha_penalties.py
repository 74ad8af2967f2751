"""What is added to the loss of alpha and to its gradients."""

import tensorflow as tf

from tfdarts.layers.alphas import is_decided


class AlphaPenalties:
    """Mixin of searches whose alphas descend more than a loss of examples.

    Attributes:
        alpha_regularizer: See `DARTS`.
        cost_limits: `CostLimits` of the network, or `None`.
    """

    alpha_regularizer = None
    cost_limits = None

    def limit_costs(self, limits):
        """Keeps limits of what the network of the genotype costs.

        Args:
            limits: `tfdarts.strategies.gradient.cost_limits.CostLimits`. Its
                rule replaces that of the search.
        """
        self.cost_limits = limits
        self.derive = limits.derive
        # A variable of the search is in its checkpoints.
        self.limit_multipliers = limits.multipliers

    def get_config(self):
        if self.cost_limits is not None:
            raise ValueError(
                "Keras cannot save a search with limits of costs: the run "
                "directory of tfdarts.search has its checkpoints."
            )
        return super().get_config()

    def _add_penalties(self, outcome, alphas):
        """Returns loss and gradients with all penalties added."""
        for each in (self._regularize, self._limit):
            added = each(alphas)
            if added is not None:
                (loss, gradients), (penalty, others) = outcome, added
                sums = [one + other for one, other in zip(gradients, others)]
                outcome = loss + tf.cast(penalty, loss.dtype), sums
        return outcome

    def _regularize(self, alphas):
        """Returns the regularizer and its gradients, or `None`."""
        if self.alpha_regularizer is None:
            return None
        with tf.GradientTape() as tape:
            tape.watch(alphas)
            # The betas of edges are vectors.
            undecided = [
                tf.boolean_mask(alpha, ~is_decided(alpha))
                for alpha in alphas
                if alpha.shape.rank == 2
            ]
            if not any(len(alpha) for alpha in undecided):
                return None
            penalty = self.alpha_regularizer(undecided)
        return penalty, tape.gradient(
            penalty, alphas, unconnected_gradients="zero"
        )

    def _limit(self, alphas):
        """Returns the term of the limits and its gradients, or `None`."""
        if self.cost_limits is None:
            return None
        return self.cost_limits.gradients(self.supernet)
