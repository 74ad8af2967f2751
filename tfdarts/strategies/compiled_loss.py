"""A supernet's loss and its derivatives, compiled, on flat vectors."""

import keras
import tensorflow as tf

from tfdarts.layers.primitives import twice_differentiable
from tfdarts.strategies.hypergradient import Objective
from tfdarts.training.flat_variables import FlatVariables


class CompiledLoss:
    """The loss of a supernet as a function of weights, alphas and a batch.

    All weights are one flat vector, `weights`, and all batch-norm statistics
    another, `statistics`; `seeds` are those of random layers. Each derivative
    is a compiled function of its own, which changes nothing.

    Args:
        supernet: `CNNSupernet`.
        loss_function: Keras loss of labels and logits, a mean.
        micro_batches: Integer, parts that a batch is computed in.
        run_eagerly: Boolean, whether nothing is compiled.
        jit_compile: Boolean, whether XLA compiles.
    """

    def __init__(
        self,
        supernet,
        loss_function,
        micro_batches=1,
        run_eagerly=False,
        jit_compile=False,
    ):
        self.supernet = supernet
        self.loss_function = loss_function
        self.micro_batches = micro_batches
        self.run_eagerly = run_eagerly
        state = supernet.non_trainable_variables
        self.weights = FlatVariables(supernet.network_weights)
        self.statistics = FlatVariables(v for v in state if _is_float(v))
        self.seeds = [v for v in state if not _is_float(v)]
        xla = {"jit_compile": jit_compile}
        self._read_weights = self.phase(self.weights.read)
        self.gradients = self.phase(self._gradients_of_batch, **xla)
        self.alpha_gradients = self.phase(self._alpha_gradients_of_batch, **xla)
        self.mixed_product = self.phase(self._mixed_product_of_batch, **xla)
        self.alpha_product = self.phase(self._alpha_product_of_batch, **xla)

    def phase(self, function, **options):
        """Returns a function compiled, or as it is to be debugged."""
        return (
            function if self.run_eagerly else tf.function(function, **options)
        )

    def here(self):
        """Returns weights and alphas as they are, two lists of tensors."""
        alphas = [v.value for v in self.supernet.alpha_variables]
        return [self._read_weights()], alphas

    def on(self, batch):
        """Returns the loss on one batch, as `hypergradient` takes it.

        Args:
            batch: Tuple `(x, y)`.
        """
        return BatchObjective(self, batch)

    def gradient_graph(self, batch_spec):
        """Returns the graph that costs the most memory; it is not run.

        Args:
            batch_spec: Tuple `(x, y)` of `tf.TensorSpec`s.
        """
        part_spec = [
            tf.TensorSpec(
                (spec.shape[0] // self.micro_batches, *spec.shape[1:]),
                spec.dtype,
            )
            for spec in batch_spec
        ]
        (weights,), alphas = self.here()
        return self.gradients.get_concrete_function(
            weights, alphas, *part_spec
        ).graph

    def _forward(self, weights, alphas, x, y):
        """Loss, logits and the new state, changing nothing."""
        supernet = self.supernet
        variables = supernet.network_weights + supernet.alpha_variables
        values = self.weights.split(weights) + list(alphas)
        by_id = {id(v): value for v, value in zip(variables, values)}
        logits, state = supernet.stateless_call(
            [by_id[id(v)] for v in supernet.trainable_variables],
            [v.value for v in supernet.non_trainable_variables],
            x,
            training=True,
        )
        return self.loss_function(y, logits), logits, state

    def _gradients_of_batch(self, weights, alphas, x, y):
        outputs = []

        def loss_function(weights, alphas):
            loss, *rest = self._forward(weights[0], alphas, x, y)
            outputs.extend(rest)
            return loss

        objective = Objective(loss_function)
        loss, (gradient,), alpha_gradients = objective.gradients(
            [weights], alphas
        )
        logits, state = outputs
        statistics = self.statistics.join(v for v in state if _is_float(v))
        seeds = [v for v in state if not _is_float(v)]
        means = loss, gradient, alpha_gradients, statistics
        return means, logits, seeds

    def _alpha_gradients_of_batch(self, weights, alphas, x, y):
        objective = self._objective(x, y)
        return objective.alpha_gradients([weights], alphas)

    def _mixed_product_of_batch(self, weights, alphas, direction, x, y):
        with twice_differentiable():
            objective = self._objective(x, y)
            return objective.mixed_product([weights], alphas, [direction])

    def _alpha_product_of_batch(self, weights, alphas, direction, x, y):
        with twice_differentiable():
            objective = self._objective(x, y)
            return objective.alpha_product([weights], alphas, direction)

    def _objective(self, x, y):
        return Objective(
            lambda weights, alphas: self._forward(weights[0], alphas, x, y)[0]
        )


class BatchObjective:
    """The loss on one batch, in its micro-batches, and its derivatives.

    It stands for a `tfdarts.strategies.hypergradient.Objective` whose list of
    weights is one vector.

    Args:
        loss: `CompiledLoss`.
        batch: Tuple `(x, y)`.

    Raises:
        ValueError: If the batch cannot be cut into equal parts.
    """

    def __init__(self, loss, batch):
        self.loss = loss
        count = loss.micro_batches
        if len(batch[0]) % count:
            raise ValueError(
                f"A batch must be a multiple of the micro-batches. Received a "
                f"batch of {len(batch[0])} and micro_batches={count}."
            )
        self.parts = [batch]
        if count > 1:
            self.parts = [*zip(*(tf.split(tensor, count) for tensor in batch))]

    def outputs(self, weights, alphas):
        """Returns loss, ∇w L, ∇α L, logits, new statistics and seeds."""
        means, logits, seeds = zip(
            *(self.loss.gradients(*weights, alphas, *p) for p in self.parts)
        )
        loss, gradient, alpha_gradients, statistics = _mean(means)
        logits = tf.concat(logits, axis=0)
        return loss, gradient, alpha_gradients, logits, statistics, seeds[-1]

    def gradients(self, weights, alphas):
        loss, gradient, alpha_gradients, *_ = self.outputs(weights, alphas)
        return loss, [gradient], alpha_gradients

    def alpha_gradients(self, weights, alphas):
        return self._mean_of(self.loss.alpha_gradients, *weights, alphas)

    def mixed_product(self, weights, alphas, direction):
        return self._mean_of(
            self.loss.mixed_product, *weights, alphas, *direction
        )

    def alpha_product(self, weights, alphas, direction):
        return self._mean_of(
            self.loss.alpha_product, *weights, alphas, direction
        )

    def _mean_of(self, phase, *tensors):
        return _mean([phase(*tensors, *part) for part in self.parts])


def _mean(structures):
    """The mean of structures of tensors, as one such structure."""
    if len(structures) == 1:
        return structures[0]
    return tf.nest.map_structure(
        lambda *tensors: tf.add_n(tensors) / len(tensors), *structures
    )


def _is_float(value):
    """Batch-norm statistics are; the seeds of random layers are not."""
    return keras.backend.is_float_dtype(value.dtype)
