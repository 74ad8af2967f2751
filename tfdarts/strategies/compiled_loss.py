"""A supernet's loss and its derivatives, compiled, on flat vectors."""

import collections
import functools

import tensorflow as tf

from tfdarts.layers.primitives import twice_differentiable
from tfdarts.layers.replicas import sum_over_replicas
from tfdarts.models.any_length import AnyLength
from tfdarts.strategies.hypergradient import Objective
from tfdarts.training.pure_model import PureModel

Values = collections.namedtuple("Values", ["weights", "alphas", "state"])
Values.__doc__ = """What a supernet holds.

Args:
    weights: Vector.
    alphas: List of tensors.
    state: See `tfdarts.training.pure_model.PureModel`.
"""


class CompiledLoss:
    """The loss of a supernet as a function of what it holds and a batch.

    Each derivative is a compiled function of its own, which changes nothing.

    Args:
        supernet: `CNNSupernet` or `RNNSupernet`. It returns logits and,
            behind them, the state that the next batch begins with, if any.
        loss_function: Keras loss of labels and logits, a mean.
        accuracy: Function of labels and logits, a number an example.
        replicas: `tfdarts.training.devices.Replicas` that compute together.
        micro_batches: Integer, parts that a batch is computed in.
        run_eagerly: Boolean, whether nothing is compiled.
        jit_compile: Boolean, whether XLA compiles.
    """

    def __init__(
        self,
        supernet,
        loss_function,
        accuracy,
        replicas,
        micro_batches=1,
        run_eagerly=False,
        jit_compile=False,
    ):
        self.supernet = supernet
        self.loss_function = loss_function
        self.accuracy = accuracy
        self.replicas = replicas
        self.micro_batches = micro_batches
        self.run_eagerly = run_eagerly
        self.model = PureModel(supernet, supernet.alpha_variables)
        self._read = self.compiled(self.model.read)
        xla = {"jit_compile": jit_compile}
        self.gradients = self._phase(self._gradients_of_batch, **xla)
        self.alpha_gradients = self._phase(
            self._alpha_gradients_of_batch, **xla
        )
        self.mixed_product = self._phase(self._mixed_product_of_batch, **xla)
        self.alpha_product = self._phase(self._alpha_product_of_batch, **xla)
        self.in_test = self._phase(self._in_test, **xla)

    def compiled(self, function, **options):
        """Returns a function compiled, or as it is to be debugged.

        That of a recurrent supernet is for segments of any length.
        """
        if self.run_eagerly:
            return function
        if hasattr(self.supernet, "initial_state"):
            return AnyLength(function, **options)
        return tf.function(function, reduce_retracing=True, **options)

    def _phase(self, function, **options):
        """Returns a function compiled for all replicas."""
        return self.replicas.compiled(
            function, functools.partial(self.compiled, **options)
        )

    def here(self):
        """Returns the `Values` as they are."""
        weights, state = self._read()
        alphas = [v.value for v in self.supernet.alpha_variables]
        return Values(weights, alphas, state)

    def on(self, batch, state, penalty=0.0):
        """Returns the loss on one batch, as `hypergradient` takes it.

        Args:
            batch: Tuple `(x, y)`, where x may be a tuple of inputs.
            state: That of `Values`.
            penalty: Float, the factor of the losses that the supernet adds
                itself.
        """
        return BatchObjective(self, batch, state, penalty)

    def gradient_graph(self, batch_spec):
        """Returns the graph that costs the most memory; it is not run.

        Args:
            batch_spec: Tuple `(x, y)` of `tf.TensorSpec`s.
        """
        parts = self.micro_batches * self.replicas.count
        part_spec = tf.nest.map_structure(
            lambda spec: tf.TensorSpec(
                (spec.shape[0] // parts, *spec.shape[1:]), spec.dtype
            ),
            tuple(batch_spec),
        )
        weights, alphas, state = self.here()
        penalty = tf.zeros((), weights.dtype)
        return self.gradients.get_concrete_function(
            weights, alphas, state, penalty, *part_spec
        ).graph

    def _forward(self, weights, alphas, state, penalty, x, y):
        """Loss, logits, what is carried on, and the new state."""
        outputs, state, penalties = self.model(
            weights, state, _as_inputs(x), alphas
        )
        logits, *carried = tf.nest.flatten(outputs)
        loss = self.loss_function(y, logits)
        for each in penalties:
            loss += penalty * each
        return loss, logits, carried, state

    def _in_test(self, weights, alphas, state, x, y, counts=None):
        """Mean loss and accuracy, and what is carried on.

        Args:
            counts: Vector of a 1 for each row that counts, and of zeros.
                Defaults to all.
        """
        outputs, _, _ = self.model(
            weights, state, _as_inputs(x), alphas, training=False
        )
        logits, *carried = tf.nest.flatten(outputs)
        if counts is not None:
            # A label of a text stands in a row, too.
            counts = tf.reshape(counts, (-1, *[1] * (logits.shape.rank - 2)))
        loss = self.loss_function(y, logits, counts)
        accuracy = self._accuracy(y, logits, counts)
        if counts is not None:
            # These means are over all rows, whether they count or not.
            share = tf.cast(tf.reduce_mean(counts), loss.dtype)
            *sums, shares = sum_over_replicas([loss, accuracy, share])
            loss, accuracy = (total / shares for total in sums)
        return loss, accuracy, carried

    def _accuracy(self, y, logits, counts=None):
        right = tf.cast(self.accuracy(y, logits), self.supernet.variable_dtype)
        if counts is not None:
            right *= tf.cast(counts, right.dtype)
        return tf.reduce_mean(right)

    def _gradients_of_batch(self, weights, alphas, state, penalty, x, y):
        outputs = []

        def loss_function(weights, alphas):
            loss, *rest = self._forward(
                weights[0], alphas, state, penalty, x, y
            )
            outputs.extend(rest)
            return loss

        objective = Objective(loss_function)
        loss, (gradient,), alpha_gradients = objective.gradients(
            [weights], alphas
        )
        logits, carried, new_state = outputs
        accuracy = self._accuracy(y, logits)
        means = loss, accuracy, gradient, alpha_gradients
        return means, carried, new_state

    def _alpha_gradients_of_batch(self, weights, alphas, state, penalty, x, y):
        carried = []

        def loss_function(weights, alphas):
            loss, _, each, _ = self._forward(
                weights[0], alphas, state, penalty, x, y
            )
            carried.extend(each)
            return loss

        means = Objective(loss_function).alpha_gradients([weights], alphas)
        return means, carried

    def _mixed_product_of_batch(
        self, weights, alphas, direction, state, penalty, x, y
    ):
        with twice_differentiable():
            objective = self._objective(state, penalty, x, y)
            return objective.mixed_product([weights], alphas, [direction])

    def _alpha_product_of_batch(
        self, weights, alphas, direction, state, penalty, x, y
    ):
        with twice_differentiable():
            objective = self._objective(state, penalty, x, y)
            return objective.alpha_product([weights], alphas, direction)

    def _objective(self, state, penalty, x, y):
        def loss_function(weights, alphas):
            return self._forward(weights[0], alphas, state, penalty, x, y)[0]

        return Objective(loss_function)


class BatchObjective:
    """The loss on one batch, in its micro-batches, and its derivatives.

    It stands for a `tfdarts.strategies.hypergradient.Objective` whose list of
    weights is one vector. Where replicas compute together, each has one of
    its share of the batch, and what it returns are the means over all.

    Args:
        loss: `CompiledLoss`.
        batch: Tuple `(x, y)`, where x may be a tuple of inputs.
        state: See `Values`.
        penalty: Float, the factor of the losses that the supernet adds.

    Attributes:
        carried: List of tensors, the state that the next batch begins with,
            as the last gradient was computed.

    Raises:
        ValueError: If the batch cannot be cut into equal parts.
    """

    def __init__(self, loss, batch, state, penalty):
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
        self.parts = [(state, penalty, x, y)]
        if count > 1:
            split = [tf.split(t, count) for t in tf.nest.flatten(batch)]
            self.parts = [
                (state, penalty, *tf.nest.pack_sequence_as(tuple(batch), part))
                for part in zip(*split)
            ]

    def outputs(self, weights, alphas):
        """Returns loss, accuracy, ∇w L, ∇α L and the new state."""
        means, carried, states = zip(
            *(self.loss.gradients(*weights, alphas, *p) for p in self.parts)
        )
        self.carried = _joined(carried)
        # Each micro-batch has drawn from the same seeds, and moved them alike.
        statistics = _mean([statistics for statistics, _ in states])
        _, others = states[-1]
        return *self._mean(means), (statistics, others)

    def gradients(self, weights, alphas):
        loss, _, gradient, alpha_gradients, _ = self.outputs(weights, alphas)
        return loss, [gradient], alpha_gradients

    def alpha_gradients(self, weights, alphas):
        means, carried = zip(
            *(
                self.loss.alpha_gradients(*weights, alphas, *part)
                for part in self.parts
            )
        )
        self.carried = _joined(carried)
        return self._mean(means)

    def mixed_product(self, weights, alphas, direction):
        return self._mean_of(
            self.loss.mixed_product, *weights, alphas, *direction
        )

    def alpha_product(self, weights, alphas, direction):
        return self._mean_of(
            self.loss.alpha_product, *weights, alphas, direction
        )

    def _mean_of(self, phase, *tensors):
        return self._mean([phase(*tensors, *part) for part in self.parts])

    def _mean(self, parts):
        """The mean over micro-batches and then, all at once, over replicas."""
        return self.loss.replicas.mean(_mean(parts))


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
