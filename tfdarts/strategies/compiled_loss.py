"""A model's loss and its derivatives, compiled, on flat vectors."""

import collections
import functools

import keras
import tensorflow as tf

from tfdarts.layers.alphas import alpha_variables_of
from tfdarts.layers.alphas import shifted_edge_weights
from tfdarts.layers.chosen_mixed_op import ChosenMixedOp
from tfdarts.layers.primitives import twice_differentiable
from tfdarts.models.supernet import carries_state
from tfdarts.models.variable_length import VariableLengthFunction
from tfdarts.strategies.batch_objective import BatchObjective
from tfdarts.strategies.edge_weight_loss import EdgeWeightLoss
from tfdarts.strategies.hypergradient import Objective
from tfdarts.strategies.hypergradient import require_connected
from tfdarts.strategies.pairs import as_batch
from tfdarts.strategies.phase import Phase
from tfdarts.strategies.search_metrics import mask_of
from tfdarts.strategies.search_options import ONE_OUTPUT
from tfdarts.training.pure_model import PureModel

Values = collections.namedtuple("Values", ["weights", "alphas", "state"])
Values.__doc__ = """The values of a model's variables.

Args:
    weights: Vector.
    alphas: List of tensors.
    state: See `tfdarts.training.pure_model.PureModel`.
"""


class CompiledLoss:
    """The loss of a model as a pure function of its values and a batch.

    Each derivative is a `Phase` of its own and changes no variable. A batch
    is a tuple `(x, y)` or `(x, y, sample_weight)`.

    Args:
        model: Keras model with alphas. A model that carries state returns the
            state after its logits.
        losses: `tfdarts.strategies.output_losses.OutputLosses`.
        accuracy: Function of labels and outputs that returns a number for
            each example, or `None`.
        distribution: `tf.distribute.Strategy`. Its devices split each batch.
        micro_batches: Integer, the number of parts of each local batch.
        run_eagerly: Boolean, whether to compile nothing.
        jit_compile: Boolean, whether XLA compiles.
        class_weight: Dict from labels to floats, or `None`; see
            `tfdarts.DARTS.compile`.
        returns_outputs: Boolean, whether the gradients and tests return the
            outputs of the model in place of a carried state, for metrics.
    """

    def __init__(
        self,
        model,
        losses,
        accuracy,
        distribution,
        micro_batches=1,
        run_eagerly=False,
        jit_compile=False,
        class_weight=None,
        returns_outputs=False,
    ):
        self.losses = losses
        self.accuracy = accuracy
        self.distribution = distribution
        self.run_eagerly = run_eagerly
        self.class_weight = class_weight
        self.returns_outputs = returns_outputs
        self.carries_state = carries_state(model)
        self.alpha_variables = alpha_variables_of(model)
        self.model = PureModel(model, self.alpha_variables)
        self._as_traced = not (self.carries_state or has_control_flow(model))
        self._read = self.compiled(self.model.read)
        self._test_options = {"jit_compile": jit_compile}
        self._options = {**self._test_options, "micro_batches": micro_batches}
        self.trace_again()

    def trace_again(self):
        """Makes later calls trace the model anew, after its layers changed."""
        self.__dict__.pop("of_edge_weights", None)
        self.in_test = self._phase(self._in_test, **self._test_options)
        self.gradients = self.phase(self._gradients_of_batch)
        self.alpha_gradients = self.phase(self._alpha_gradients_of_batch)
        self.mixed_product = self.phase(self._mixed_product_of_batch)
        self.alpha_product = self.phase(self._alpha_product_of_batch)

    def compiled(self, function, **options):
        """Returns the compiled function, or the function if `run_eagerly`.

        For models that carry state the function accepts segments of any
        length.
        """
        if self.run_eagerly:
            return function
        if self.carries_state:
            return VariableLengthFunction(function, **options)
        return tf.function(
            function, autograph=False, reduce_retracing=True, **options
        )

    def phase(self, function):
        """Returns the `Phase` of a function of values and a training batch."""
        return self._phase(function, **self._options)

    def _phase(self, function, **options):
        return Phase(
            function,
            self.model,
            self.distribution,
            self.compiled,
            as_traced=self._as_traced,
            **options,
        )

    def values(self):
        """Returns the current `Values`."""
        weights, state = self._read()
        # Tensors, not variables, so that `graph` finds what a step traced.
        alphas = [tf.convert_to_tensor(v) for v in self.alpha_variables]
        return Values(weights, alphas, state)

    def objective(self, parts, state, penalty=0.0):
        """Returns the loss on one batch, a `BatchObjective`.

        Args:
            parts: The result of `tfdarts.replicas.parts_of` for a batch. With
                a carried state, x is a tuple `(x, state)`.
            state: The state in `Values`.
            penalty: Float, the factor of the losses that the model adds
                itself.
        """
        penalty = tf.constant(penalty, self.model.dtype)
        return BatchObjective(self, parts, state, penalty)

    @functools.cached_property
    def of_edge_weights(self):
        """The loss as a function of edge weights, an `EdgeWeightLoss`."""
        return EdgeWeightLoss(self)

    def test(self, parts):
        """Returns loss and accuracy of a batch in evaluation.

        Args:
            parts: See `objective`; one micro-batch of a batch `(x, y,
                sample_weight, counts)`. `counts` is 1 for each row, and 0 for
                the padding of an empty part.

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
            part_spec: Structure of the `tf.TensorSpec`s of one part of a
                batch.
        """
        weights, alphas, state = self.values()
        penalty = tf.zeros((), weights.dtype)
        return self.gradients.graph(
            (weights, alphas, state, penalty), part_spec
        )

    def _forward(self, weights, alphas, state, penalty, batch, training=True):
        """Returns loss, outputs, carried state, and the model's new state.

        Tensors after the alphas shift the edge weights of single cells; see
        `tfdarts.layers.alphas.shifted_edge_weights`.
        """
        x, y, sample_weight = as_batch(batch)
        count = len(self.alpha_variables)
        alphas, shifts = alphas[:count], alphas[count:]
        with shifted_edge_weights(shifts):
            outputs, state, penalties = self.model(
                weights, state, self._inputs(x), alphas, training=training
            )
        outputs, carried = self._split_outputs(outputs)
        sample_weight = self._sample_weight(y, outputs, sample_weight)
        loss = self.losses(y, outputs, sample_weight)
        for each in penalties:
            loss += penalty * tf.cast(each, loss.dtype)
        return loss, outputs, carried, state

    def _inputs(self, x):
        """Returns the positional arguments of the model."""
        return x if self.carries_state and isinstance(x, tuple) else (x,)

    def _split_outputs(self, outputs):
        """Returns the outputs and what is carried to the next batch."""
        if self.carries_state:
            logits, *carried = tf.nest.flatten(outputs)
            return logits, carried
        masks = [mask_of(tensor) for tensor in tf.nest.flatten(outputs)]
        return outputs, [(outputs, masks)] if self.returns_outputs else []

    def _sample_weight(self, y, logits, sample_weight):
        """Returns the weights of the examples, empty if all are equal."""
        if self.class_weight is None:
            return sample_weight
        if keras.tree.is_nested(logits):
            raise ValueError(ONE_OUTPUT)
        labels = y
        if y.shape.rank == logits.shape.rank > 1:
            labels = tf.argmax(y, -1) if y.shape[-1] != 1 else y[..., 0]
        labels = tf.cast(labels, tf.int64)
        of_classes = tf.ones_like(labels, self.model.dtype)
        for label, weight in self.class_weight.items():
            weight = tf.constant(weight, of_classes.dtype)
            of_classes = tf.where(labels == label, weight, of_classes)
        if isinstance(sample_weight, tuple):
            return of_classes
        missing = of_classes.shape.rank - sample_weight.shape.rank
        sample_weight = tf.cast(sample_weight, of_classes.dtype)
        return of_classes * sample_weight[(..., *[None] * missing)]

    def _in_test(self, weights, alphas, state, x, y, sample_weight, counts):
        """Returns sums of loss and accuracy over labels, and their number."""
        outputs, _, _ = self.model(
            self.model.weights.split(weights),
            state,
            self._inputs(x),
            alphas,
            training=False,
        )
        outputs, carried = self._split_outputs(outputs)
        # Either all rows of a part count, or the whole part is padding.
        size = tf.size(tf.nest.flatten(y)[0])
        number = tf.cast(size, weights.dtype) * tf.reduce_mean(counts)
        loss = self.losses(y, outputs, sample_weight)
        means = loss, self._accuracy(y, outputs)
        sums = [tf.cast(mean, number.dtype) * number for mean in means]
        return [*sums, number], carried, []

    def _accuracy(self, y, outputs):
        """Returns the accuracy, the mean over the outputs that have a loss."""
        if self.accuracy is None:
            return tf.zeros((), self.model.dtype)
        means = [
            self._accuracy_of(*pair)
            for _, loss, *pair in self.losses.rows(y, outputs)
            if loss is not None
        ]
        return tf.add_n(means) / len(means)

    def _accuracy_of(self, y, output):
        right = tf.cast(self.accuracy(y, output), self.model.dtype)
        mask = mask_of(output)
        if right.shape.rank == 0 or isinstance(mask, tuple):
            return tf.reduce_mean(right)
        mask = tf.cast(mask, right.dtype)
        return tf.math.divide_no_nan(
            tf.reduce_sum(mask * right), tf.reduce_sum(mask)
        )

    def _gradients_of_batch(self, weights, alphas, state, penalty, *batch):
        parts = self.model.weights.split(weights)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([parts, alphas])
            loss, outputs, carried, state = self._forward(
                parts, alphas, state, penalty, batch
            )
        gradients, alpha_gradients = tape.gradient(loss, (parts, alphas))
        gradient = self.model.weights.join(gradients)
        require_connected(alpha_gradients)
        statistics, others = state
        accuracy = self._accuracy(batch[1], outputs)
        means = loss, accuracy, gradient, alpha_gradients, statistics
        return means, carried, others

    def evaluation_of_batch(
        self, weights, alphas, state, *batch, training=False
    ):
        """Returns loss and accuracy; see `Phase`."""
        parts = self.model.weights.split(weights)
        loss, outputs, _, _ = self._forward(
            parts, alphas, state, 0.0, batch, training
        )
        return (loss, self._accuracy(batch[1], outputs)), [], []

    def _alpha_gradients_of_batch(
        self, weights, alphas, state, penalty, *batch, training=True
    ):
        carried = []

        def loss_function(weights, alphas):
            loss, _, each, _ = self._forward(
                weights, alphas, state, penalty, batch, training
            )
            carried.extend(each)
            return loss

        weights = self.model.weights.split(weights)
        means = Objective(loss_function).alpha_gradients(weights, alphas)
        return means, carried, []

    def _mixed_product_of_batch(
        self, weights, alphas, direction, state, penalty, *batch
    ):
        with twice_differentiable():
            objective = self._objective(state, penalty, batch)
            product = objective.mixed_product([weights], alphas, [direction])
            return product, [], []

    def _alpha_product_of_batch(
        self, weights, alphas, direction, state, penalty, *batch
    ):
        with twice_differentiable():
            objective = self._objective(state, penalty, batch)
            product = objective.alpha_product([weights], alphas, direction)
            return product, [], []

    def _objective(self, state, penalty, batch):
        def loss_function(weights, alphas):
            weights = self.model.weights.split(weights[0])
            return self._forward(weights, alphas, state, penalty, batch)[0]

        return Objective(loss_function)


def has_control_flow(model):
    """Returns whether the graph of a model has loops or branches.

    Args:
        model: Keras model.
    """
    return any(
        isinstance(layer, (keras.layers.RNN, ChosenMixedOp))
        for layer in model._flatten_layers()
    )
