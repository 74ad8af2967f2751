"""A supernet's loss on one batch, computed by all replicas."""

import tensorflow as tf


class BatchObjective:
    """The loss on one batch, and its derivatives, computed by all replicas.

    It stands for a `tfdarts.strategies.hypergradient.Objective` whose list of
    weights is one vector. Each replica computes a phase on its share of the
    batch, in micro-batches, and the result is the mean over all.

    Args:
        loss: `CompiledLoss`.
        shares: List of tuples `(x, y)`, one a device, where x may be a tuple
            of inputs.
        state: See `Values`.
        penalty: Float, the factor of the losses that the supernet adds.

    Attributes:
        carried: List of lists of tensors, one a device: the state that the
            next batch begins with, as the last gradient was computed.

    Raises:
        ValueError: If the batch cannot be cut into equal parts.
    """

    def __init__(self, loss, shares, state, penalty):
        self.loss = loss
        self.carried = []
        penalty = tf.constant(penalty, loss.supernet.variable_dtype)
        self.shares = [
            [(state, penalty, x, y) for x, y in _split(s, loss.micro_batches)]
            for s in shares
        ]

    def outputs(self, weights, alphas):
        """Returns loss, accuracy, ∇w L, ∇α L and the new state."""
        means, carried, states = self._computed(
            self.loss.gradients, *weights, alphas
        )
        self.carried = [_joined(parts) for parts in carried]
        # Each micro-batch has drawn from the same seeds, and moved them alike.
        statistics = _mean([statistics for statistics, _ in states[0]])
        _, others = states[0][-1]
        return *means, (statistics, others)

    def gradients(self, weights, alphas):
        loss, _, gradient, alpha_gradients, _ = self.outputs(weights, alphas)
        return loss, [gradient], alpha_gradients

    def alpha_gradients(self, weights, alphas):
        means, carried = self._computed(
            self.loss.alpha_gradients, *weights, alphas
        )
        self.carried = [_joined(parts) for parts in carried]
        return means

    def mixed_product(self, weights, alphas, direction):
        (product,) = self._computed(
            self.loss.mixed_product, *weights, alphas, *direction
        )
        return product

    def alpha_product(self, weights, alphas, direction):
        (product,) = self._computed(
            self.loss.alpha_product, *weights, alphas, direction
        )
        return product

    def _computed(self, phase, *values):
        """Lets all replicas compute a phase.

        Returns:
            The mean of its first result over micro-batches and then, all at
            once, over replicas; and each further result, a list, one a
            device, of tuples, one a micro-batch.
        """

        def compute(parts):
            results, *others = zip(*(phase(*values, *part) for part in parts))
            return self.loss.replicas.mean(_mean(results)), *others

        means, *others = zip(*self.loss.replicas.run(compute, self.shares))
        return means[0], *others


def _split(batch, count):
    """Returns the micro-batches of a batch `(x, y)`."""
    rows = len(batch[1])
    if rows % count:
        raise ValueError(
            f"A batch must be a multiple of the micro-batches. Received a "
            f"batch of {rows} and micro_batches={count}."
        )
    if count == 1:
        return [batch]
    split = [tf.split(tensor, count) for tensor in tf.nest.flatten(batch)]
    return [tf.nest.pack_sequence_as(batch, parts) for parts in zip(*split)]


def _joined(parts):
    """Returns lists of tensors, one a part, as one list of whole batches."""
    if len(parts) == 1:
        return parts[0]
    return [tf.concat(tensors, axis=0) for tensors in zip(*parts)]


def _mean(structures):
    """The mean of structures of tensors, as one such structure."""
    if len(structures) == 1:
        return structures[0]
    return tf.nest.map_structure(
        lambda *tensors: tf.add_n(tensors) / len(tensors), *structures
    )
