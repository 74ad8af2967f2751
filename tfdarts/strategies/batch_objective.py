"""A model's loss on one batch, computed by all replicas."""


class BatchObjective:
    """The loss on one batch, and its derivatives, computed by all replicas.

    The class has the interface of
    `tfdarts.strategies.hypergradient.Objective`. Its list of weights holds one
    vector.

    Args:
        loss: `CompiledLoss`.
        parts: The parts that `tfdarts.replicas.parts_of` returns for a batch;
            see `CompiledLoss`.
        state: See `Values`.
        penalty: Scalar, the factor of the losses that the model adds.

    Attributes:
        carried: List of the carried states, one for each part, from the last
            computation of a gradient. The next batch begins with these states.
    """

    def __init__(self, loss, parts, state, penalty):
        self.loss = loss
        self.parts = parts
        self.rest = state, penalty
        self.carried = []

    def outputs(self, weights, alphas):
        """Returns loss, accuracy, ∇w L, ∇α L and the new state."""
        means, self.carried, others = self.loss.gradients(
            (*weights, alphas, *self.rest), self.parts
        )
        *means, statistics = means
        return *means, (statistics, others)

    def gradients(self, weights, alphas):
        loss, _, gradient, alpha_gradients, _ = self.outputs(weights, alphas)
        return loss, [gradient], alpha_gradients

    def alpha_gradients(self, weights, alphas):
        means, self.carried, _ = self.loss.alpha_gradients(
            (*weights, alphas, *self.rest), self.parts
        )
        return means

    def mixed_product(self, weights, alphas, direction):
        (direction,) = direction
        means, *_ = self.loss.mixed_product(
            (*weights, alphas, direction, *self.rest), self.parts
        )
        return means

    def alpha_product(self, weights, alphas, direction):
        means, *_ = self.loss.alpha_product(
            (*weights, alphas, direction, *self.rest), self.parts
        )
        return means
