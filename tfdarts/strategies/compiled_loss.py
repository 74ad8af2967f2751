"""A supernet's loss and its derivatives, compiled, on flat vectors."""

import collections
import functools

import tensorflow as tf

from tfdarts.layers.primitives import twice_differentiable
from tfdarts.layers.replicas import sum_over_replicas
from tfdarts.models.any_length import AnyLength
from tfdarts.strategies.batch_objective import BatchObjective
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
        class_weight: Dict from labels to floats, or `None`; see
            `tfdarts.strategies.darts.DARTS.compile`.
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
        class_weight=None,
    ):
        self.supernet = supernet
        self.loss_function = loss_function
        self.accuracy = accuracy
        self.replicas = replicas
        self.micro_batches = micro_batches
        self.run_eagerly = run_eagerly
        self.class_weight = class_weight
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

    def values(self):
        """Returns the `Values` as they are."""
        weights, state = self._read()
        alphas = [v.value for v in self.supernet.alpha_variables]
        return Values(weights, alphas, state)

    def objective(self, shares, state, penalty=0.0):
        """Returns the loss on one batch, as `hypergradient` takes it.

        Args:
            shares: List of tuples `(x, y)`, what each device of this process
                computes of the batch, where x may be a tuple of inputs.
            state: That of `Values`.
            penalty: Float, the factor of the losses that the supernet adds
                itself.
        """
        return BatchObjective(self, shares, state, penalty)

    def tested(self, shares):
        """Returns loss and accuracy of a batch in tests.

        Args:
            shares: List of tuples `(batch, counts)`, one a device, of a tuple
                `(x, y)` and a vector of a 1 for each row that counts, or
                `None` where all do.

        Returns:
            The two, and a list of what each replica carries on.
        """
        values = self.values()

        def test(share):
            batch, counts = share
            counts = () if counts is None else (counts,)
            return self.in_test(*values, *batch, *counts)

        results = self.replicas.run(test, shares)
        loss, accuracy, _ = results[0]
        return loss, accuracy, [carried for *_, carried in results]

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
        weights, alphas, state = self.values()
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
        loss = self.loss_function(y, logits, *self._sample_weight(y, logits))
        for each in penalties:
            loss += penalty * each
        return loss, logits, carried, state

    def _sample_weight(self, y, logits):
        """What each example counts, by Keras' rule; empty: all the same."""
        if self.class_weight is None:
            return ()
        if y.shape.rank == logits.shape.rank:
            y = tf.argmax(y, axis=-1)
        classes = range(logits.shape[-1])
        weights = [self.class_weight.get(label, 1.0) for label in classes]
        return (tf.gather(tf.constant(weights, logits.dtype), y),)

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
        each = ()
        if counts is not None:
            # A label of a text stands in a row, too.
            rows = -1, *[1] * (logits.shape.rank - 2)
            each = (tf.reshape(counts, rows),)
        loss = self.loss_function(y, logits, *each)
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
            counts = tf.reshape(counts, (-1, *[1] * (right.shape.rank - 1)))
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
            product = objective.mixed_product([weights], alphas, [direction])
            return (product,)

    def _alpha_product_of_batch(
        self, weights, alphas, direction, state, penalty, x, y
    ):
        with twice_differentiable():
            objective = self._objective(state, penalty, x, y)
            return (objective.alpha_product([weights], alphas, direction),)

    def _objective(self, state, penalty, x, y):
        def loss_function(weights, alphas):
            return self._forward(weights[0], alphas, state, penalty, x, y)[0]

        return Objective(loss_function)


def _as_inputs(x):
    return x if isinstance(x, tuple) else (x,)
