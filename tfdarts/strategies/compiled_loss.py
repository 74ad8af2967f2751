"""A supernet's loss and its derivatives, compiled, on flat vectors."""

import collections

import keras
import tensorflow as tf

from tfdarts.layers.primitives import twice_differentiable
from tfdarts.models.supernet import carries_state
from tfdarts.models.variable_length import VariableLengthFunction
from tfdarts.replicas import num_replicas
from tfdarts.strategies.batch_objective import BatchObjective
from tfdarts.strategies.hypergradient import Objective
from tfdarts.strategies.hypergradient import require_connected
from tfdarts.strategies.phase import Phase
from tfdarts.training.pure_model import PureModel

Values = collections.namedtuple("Values", ["weights", "alphas", "state"])
Values.__doc__ = """The values of a supernet's variables.

Args:
    weights: Vector.
    alphas: List of tensors.
    state: See `tfdarts.training.pure_model.PureModel`.
"""


class CompiledLoss:
    """The loss of a supernet as a pure function of its values and a batch.

    Each derivative is a `Phase` of its own and changes no variable.

    Args:
        supernet: `CNNSupernet` or `RNNSupernet`. It returns logits and, after
            the logits, the carried state, if any.
        loss_function: Keras loss of labels and logits, a mean.
        accuracy: Function of labels and logits that returns a number for each
            example.
        distribution: `tf.distribute.Strategy`. Its devices split each batch.
        micro_batches: Integer, the number of parts of each local batch.
        run_eagerly: Boolean, whether to compile nothing.
        jit_compile: Boolean, whether XLA compiles.
        class_weight: Dict from labels to floats, or `None`; see
            `tfdarts.strategies.darts.DARTS.compile`.
    """

    def __init__(
        self,
        supernet,
        loss_function,
        accuracy,
        distribution,
        micro_batches=1,
        run_eagerly=False,
        jit_compile=False,
        class_weight=None,
    ):
        self.supernet = supernet
        self.loss_function = loss_function
        self.accuracy = accuracy
        self.distribution = distribution
        self.run_eagerly = run_eagerly
        self.class_weight = class_weight
        self.model = PureModel(supernet, supernet.alpha_variables)
        self._read = self.compiled(self.model.read)
        options = {"jit_compile": jit_compile}
        self.in_test = self._phase(self._in_test, **options)
        options["micro_batches"] = micro_batches
        self.gradients = self._phase(self._gradients_of_batch, **options)
        self.alpha_gradients = self._phase(
            self._alpha_gradients_of_batch, **options
        )
        self.mixed_product = self._phase(
            self._mixed_product_of_batch, **options
        )
        self.alpha_product = self._phase(
            self._alpha_product_of_batch, **options
        )

    def compiled(self, function, **options):
        """Returns the compiled function, or the function if `run_eagerly`.

        For recurrent supernets the function accepts segments of any length.
        """
        if self.run_eagerly:
            return function
        if carries_state(self.supernet):
            return VariableLengthFunction(function, **options)
        return tf.function(function, reduce_retracing=True, **options)

    def _phase(self, function, **options):
        return Phase(
            function, self.supernet, self.distribution, self.compiled, **options
        )

    def values(self):
        """Returns the current `Values`."""
        weights, state = self._read()
        alphas = [v.value for v in self.supernet.alpha_variables]
        return Values(weights, alphas, state)

    def objective(self, parts, state, penalty=0.0):
        """Returns the loss on one batch, a `BatchObjective`.

        Args:
            parts: The result of `tfdarts.replicas.parts_of` for a batch
                `(x, y)`, where x may be a tuple of inputs.
            state: The state in `Values`.
            penalty: Float, the factor of the losses that the supernet adds
                itself.
        """
        penalty = tf.constant(penalty, self.supernet.variable_dtype)
        return BatchObjective(self, parts, state, penalty)

    def test(self, parts):
        """Returns loss and accuracy of a batch in evaluation.

        Args:
            parts: See `objective`; one micro-batch of a batch `(x, y,
                counts)`. `counts` is 1 for each row, and 0 for the padding of
                an empty part.

        Returns:
            Loss, accuracy, the number of labels behind these means, and a
            list of the carried state of each part.
        """
        (*sums, number), carried, _ = self.in_test(self.values(), parts)
        loss, accuracy = (tf.math.divide_no_nan(s, number) for s in sums)
        number *= self.distribution.num_replicas_in_sync
        return loss, accuracy, number, carried

    def gradient_graph(self, part_spec):
        """Returns the graph that costs the most memory; it is not run.

        Args:
            part_spec: Tuple `(x, y)` of the `tf.TensorSpec`s of one part of a
                batch.
        """
        weights, alphas, state = self.values()
        penalty = tf.zeros((), weights.dtype)
        return self.gradients.graph(
            (weights, alphas, state, penalty), part_spec
        )

    def _forward(self, weights, alphas, state, penalty, x, y):
        """Returns loss, logits, carried state, and the model's new state."""
        outputs, state, penalties = self.model(
            weights, state, _as_inputs(x), alphas
        )
        logits, *carried = tf.nest.flatten(outputs)
        loss = self._mean_loss(y, logits, *self._sample_weight(y, logits))
        for each in penalties:
            loss += penalty * each
        return loss, logits, carried, state

    def _mean_loss(self, *arguments):
        loss = self.loss_function(*arguments)
        if isinstance(self.loss_function, keras.losses.Loss):
            # Keras divides the loss by the number of replicas.
            loss *= num_replicas()
        return loss

    def _sample_weight(self, y, logits):
        """Returns Keras' weights of the examples, empty if all are equal."""
        if self.class_weight is None:
            return ()
        if y.shape.rank == logits.shape.rank:
            y = tf.argmax(y, axis=-1)
        classes = range(logits.shape[-1])
        weights = [self.class_weight.get(label, 1.0) for label in classes]
        return (tf.gather(tf.constant(weights, logits.dtype), y),)

    def _in_test(self, weights, alphas, state, x, y, counts):
        """Returns sums of loss and accuracy over labels, and their number."""
        outputs, _, _ = self.model(
            self.model.weights.split(weights),
            state,
            _as_inputs(x),
            alphas,
            training=False,
        )
        logits, *carried = tf.nest.flatten(outputs)
        # Either all rows of a part count, or the whole part is padding.
        number = tf.cast(tf.size(y), weights.dtype) * tf.reduce_mean(counts)
        means = self._mean_loss(y, logits), self._accuracy(y, logits)
        sums = [tf.cast(mean, number.dtype) * number for mean in means]
        return [*sums, number], carried, []

    def _accuracy(self, y, logits):
        right = tf.cast(self.accuracy(y, logits), self.supernet.variable_dtype)
        return tf.reduce_mean(right)

    def _gradients_of_batch(self, weights, alphas, state, penalty, x, y):
        parts = self.model.weights.split(weights)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([parts, alphas])
            loss, logits, carried, state = self._forward(
                parts, alphas, state, penalty, x, y
            )
        gradients, alpha_gradients = tape.gradient(loss, (parts, alphas))
        gradient = self.model.weights.join(gradients)
        require_connected(alpha_gradients)
        statistics, others = state
        accuracy = self._accuracy(y, logits)
        means = loss, accuracy, gradient, alpha_gradients, statistics
        return means, carried, others

    def _alpha_gradients_of_batch(self, weights, alphas, state, penalty, x, y):
        carried = []

        def loss_function(weights, alphas):
            loss, _, each, _ = self._forward(
                weights, alphas, state, penalty, x, y
            )
            carried.extend(each)
            return loss

        weights = self.model.weights.split(weights)
        means = Objective(loss_function).alpha_gradients(weights, alphas)
        return means, carried, []

    def _mixed_product_of_batch(
        self, weights, alphas, direction, state, penalty, x, y
    ):
        with twice_differentiable():
            objective = self._objective(state, penalty, x, y)
            product = objective.mixed_product([weights], alphas, [direction])
            return product, [], []

    def _alpha_product_of_batch(
        self, weights, alphas, direction, state, penalty, x, y
    ):
        with twice_differentiable():
            objective = self._objective(state, penalty, x, y)
            product = objective.alpha_product([weights], alphas, direction)
            return product, [], []

    def _objective(self, state, penalty, x, y):
        def loss_function(weights, alphas):
            weights = self.model.weights.split(weights[0])
            return self._forward(weights, alphas, state, penalty, x, y)[0]

        return Objective(loss_function)


def _as_inputs(x):
    return x if isinstance(x, tuple) else (x,)
