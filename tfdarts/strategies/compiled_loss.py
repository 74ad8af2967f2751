"""A supernet's loss and its derivatives, compiled, on flat vectors."""

import keras
import tensorflow as tf

from tfdarts.layers.primitives import twice_differentiable
from tfdarts.models.any_length import AnyLength
from tfdarts.strategies.hypergradient import Objective
from tfdarts.training.flat_variables import FlatVariables


class CompiledLoss:
    """The loss of a supernet as a function of weights, alphas and a batch.

    All weights are one flat vector, `weights`, and all batch-norm statistics
    another, `statistics`; `seeds` are those of random layers. Each derivative
    is a compiled function of its own, which changes nothing.

    Args:
        supernet: `CNNSupernet` or `RNNSupernet`. It returns logits and,
            behind them, the state that the next batch begins with, if any.
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
        self.in_test = self.phase(self._in_test, **xla)

    def phase(self, function, **options):
        """Returns a function compiled, or as it is to be debugged.

        That of a recurrent supernet is for segments of any length.
        """
        if self.run_eagerly:
            return function
        if hasattr(self.supernet, "initial_state"):
            return AnyLength(function, **options)
        return tf.function(function, reduce_retracing=True, **options)

    def here(self):
        """Returns weights and alphas as they are, two lists of tensors."""
        alphas = [v.value for v in self.supernet.alpha_variables]
        return [self._read_weights()], alphas

    def on(self, batch, penalty=0.0):
        """Returns the loss on one batch, as `hypergradient` takes it.

        Args:
            batch: Tuple `(x, y)`, where x may be a tuple of inputs.
            penalty: Float, the factor of the losses that the supernet adds
                itself.
        """
        return BatchObjective(self, batch, penalty)

    def gradient_graph(self, batch_spec):
        """Returns the graph that costs the most memory; it is not run.

        Args:
            batch_spec: Tuple `(x, y)` of `tf.TensorSpec`s.
        """
        part_spec = tf.nest.map_structure(
            lambda spec: tf.TensorSpec(
                (spec.shape[0] // self.micro_batches, *spec.shape[1:]),
                spec.dtype,
            ),
            tuple(batch_spec),
        )
        (weights,), alphas = self.here()
        penalty = tf.zeros((), weights.dtype)
        return self.gradients.get_concrete_function(
            weights, alphas, penalty, *part_spec
        ).graph

    def _forward(self, weights, alphas, penalty, x, y):
        """Loss, logits, what is carried on, and variables, none changed."""
        supernet = self.supernet
        variables = supernet.network_weights + supernet.alpha_variables
        values = self.weights.split(weights) + list(alphas)
        by_id = {id(v): value for v, value in zip(variables, values)}
        outputs, variables, penalties = supernet.stateless_call(
            [by_id[id(v)] for v in supernet.trainable_variables],
            [v.value for v in supernet.non_trainable_variables],
            *_as_inputs(x),
            training=True,
            return_losses=True,
        )
        logits, *carried = tf.nest.flatten(outputs)
        loss = self.loss_function(y, logits)
        for each in penalties:
            loss += penalty * each
        return loss, logits, carried, variables

    def _in_test(self, x, y):
        """Loss, logits and what is carried on, as the variables are."""
        outputs = self.supernet(*_as_inputs(x), training=False)
        logits, *carried = tf.nest.flatten(outputs)
        return self.loss_function(y, logits), logits, carried

    def _gradients_of_batch(self, weights, alphas, penalty, x, y):
        outputs = []

        def loss_function(weights, alphas):
            loss, *rest = self._forward(weights[0], alphas, penalty, x, y)
            outputs.extend(rest)
            return loss

        objective = Objective(loss_function)
        loss, (gradient,), alpha_gradients = objective.gradients(
            [weights], alphas
        )
        logits, carried, variables = outputs
        statistics = self.statistics.join(v for v in variables if _is_float(v))
        seeds = [v for v in variables if not _is_float(v)]
        means = loss, gradient, alpha_gradients, statistics
        return means, [logits, *carried], seeds

    def _alpha_gradients_of_batch(self, weights, alphas, penalty, x, y):
        carried = []

        def loss_function(weights, alphas):
            loss, _, state, _ = self._forward(weights[0], alphas, penalty, x, y)
            carried.extend(state)
            return loss

        means = Objective(loss_function).alpha_gradients([weights], alphas)
        return means, carried

    def _mixed_product_of_batch(
        self, weights, alphas, direction, penalty, x, y
    ):
        with twice_differentiable():
            objective = self._objective(penalty, x, y)
            return objective.mixed_product([weights], alphas, [direction])

    def _alpha_product_of_batch(
        self, weights, alphas, direction, penalty, x, y
    ):
        with twice_differentiable():
            objective = self._objective(penalty, x, y)
            return objective.alpha_product([weights], alphas, direction)

    def _objective(self, penalty, x, y):
        def loss_function(weights, alphas):
            return self._forward(weights[0], alphas, penalty, x, y)[0]

        return Objective(loss_function)


class BatchObjective:
    """The loss on one batch, in its micro-batches, and its derivatives.

    It stands for a `tfdarts.strategies.hypergradient.Objective` whose list of
    weights is one vector.

    Args:
        loss: `CompiledLoss`.
        batch: Tuple `(x, y)`, where x may be a tuple of inputs.
        penalty: Float, the factor of the losses that the supernet adds.

    Attributes:
        carried: List of tensors, the state that the next batch begins with,
            as the last gradient was computed.

    Raises:
        ValueError: If the batch cannot be cut into equal parts.
    """

    def __init__(self, loss, batch, penalty):
        self.loss = loss
        self.carried = []
        count = loss.micro_batches
        x, y = batch
        if len(y) % count:
            raise ValueError(
                f"A batch must be a multiple of the micro-batches. Received a "
                f"batch of {len(y)} and micro_batches={count}."
            )
        penalty = tf.cast(penalty, loss.supernet.variable_dtype)
        self.parts = [(penalty, x, y)]
        if count > 1:
            split = [tf.split(t, count) for t in tf.nest.flatten(batch)]
            self.parts = [
                (penalty, *tf.nest.pack_sequence_as(tuple(batch), part))
                for part in zip(*split)
            ]

    def outputs(self, weights, alphas):
        """Returns loss, ∇w L, ∇α L, logits, new statistics and seeds."""
        means, outputs, seeds = zip(
            *(self.loss.gradients(*weights, alphas, *p) for p in self.parts)
        )
        loss, gradient, alpha_gradients, statistics = _mean(means)
        logits, *self.carried = _joined(outputs)
        return loss, gradient, alpha_gradients, logits, statistics, seeds[-1]

    def gradients(self, weights, alphas):
        loss, gradient, alpha_gradients, *_ = self.outputs(weights, alphas)
        return loss, [gradient], alpha_gradients

    def alpha_gradients(self, weights, alphas):
        means, carried = zip(
            *(
                self.loss.alpha_gradients(*weights, alphas, *part)
                for part in self.parts
            )
        )
        self.carried = _joined(carried)
        return _mean(means)

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


def _as_inputs(x):
    return x if isinstance(x, tuple) else (x,)


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


def _is_float(value):
    """Batch-norm statistics are; the seeds of random layers are not."""
    return keras.backend.is_float_dtype(value.dtype)
