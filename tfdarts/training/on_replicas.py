"""Trainings whose batches are shared by the replicas of many devices.

Only gradients and tests are computed by replicas. Everything else, the
optimizer first of all, is as on one device, with what they have summed up.
"""

import keras
import numpy as np
import tensorflow as tf

from tfdarts.layers.replicas import sum_over_replicas
from tfdarts.models.any_length import AnyLength
from tfdarts.models.carried_state import WithCarriedState
from tfdarts.training.pure_model import PureModel


class SharedSteps:
    """Steps of a training and of tests that replicas compute together.

    Args:
        model: Keras model, built.
        measure: Function `(outputs, y, counts) -> (figures, carried)`: a list
            of means over the rows, and what is carried on to the next batch;
            `counts` has a 1 for each row that counts, and is `None` for all.
        objective: Function `(outputs, added, y) -> loss`, where `added` are
            the losses that the model adds.
        optimizer: Keras optimizer, built with the model's weights.
        replicas: `tfdarts.training.devices.Replicas`.
        compile: Function that compiles. Defaults to `tf.function`.
    """

    def __init__(
        self,
        model,
        measure,
        objective,
        optimizer,
        replicas,
        compile=tf.function,
    ):
        self.model = PureModel(model)
        self.measure = measure
        self.objective = objective
        self.optimizer = optimizer
        self.replicas = replicas
        self._read = compile(self.model.read)
        self._gradient = replicas.compiled(self._gradient_of_share, compile)
        self._figures = replicas.compiled(self._figures_of_share, compile)
        self._apply = compile(self._apply_gradient)

    def train(self, shares):
        """Does a step.

        Args:
            shares: List of tuples `(inputs, y)`, one a device, where inputs
                is a tuple.

        Returns:
            The figures, and a list of what each replica carries on.
        """
        weights, state = self._read()

        def compute(share):
            means, carried, after = self._gradient(weights, state, *share)
            return self.replicas.mean(means), carried, after

        results = self.replicas.run(compute, shares)
        (gradient, figures), _, state = results[0]
        self._apply(gradient, state)
        return figures, [carried for _, carried, _ in results]

    def test(self, shares):
        """Returns the figures of a batch, and what each replica carries on.

        Args:
            shares: List of tuples `(inputs, y, counts)`, one a device.
        """
        values = self._read()
        results = self.replicas.run(
            lambda share: self._figures(*values, *share), shares
        )
        figures, _ = results[0]
        return figures, [carried for _, carried in results]

    def gradient_graph(self, inputs, y):
        """Returns the graph of a replica's gradient; it is not run.

        Args:
            inputs: Tuple of `tf.TensorSpec`s, of a replica's share.
            y: `tf.TensorSpec`.
        """
        return self._gradient.get_concrete_function(
            *self._read(), inputs, y
        ).graph

    def _gradient_of_share(self, weights, state, inputs, y):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            outputs, state, added = self.model(weights, state, inputs)
            loss = self.objective(outputs, added, y)
        figures, carried = self._measured(outputs, y)
        return (tape.gradient(loss, weights), figures), carried, state

    def _figures_of_share(self, weights, state, inputs, y, counts):
        outputs, _, _ = self.model(weights, state, inputs, training=False)
        figures, carried = self._measured(outputs, y, counts)
        # The mean of a share is over all its rows, whether they count or not.
        share = tf.cast(tf.reduce_mean(counts), self.model.dtype)
        *sums, shares = sum_over_replicas([*figures, share])
        return [total / shares for total in sums], carried

    def _measured(self, outputs, y, counts=None):
        figures, carried = self.measure(outputs, y, counts)
        return [tf.cast(f, self.model.dtype) for f in figures], carried

    def _apply_gradient(self, gradient, state):
        weights = self.model.weights
        self.optimizer.apply(weights.split(gradient), weights.variables)
        self.model.write_state(state)


class OnReplicas(keras.Model):
    """A classifier that replicas train and test together.

    It is for `fit` and `evaluate`. The model's weights are trained in place.
    Sample weights, and the class weights of `fit`, are those of Keras: the
    weighted losses of a batch are summed and divided by its size.

    Args:
        model: Keras model, compiled, such as `CNNNetwork` or
            `WithAuxiliaryHead`.
        replicas: `tfdarts.training.devices.Replicas`.
    """

    def __init__(self, model, replicas, **kwargs):
        super().__init__(**{"dtype": model.dtype_policy, **kwargs})
        self.model = model
        self.replicas = replicas
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.accuracy = keras.metrics.Mean(name="accuracy")
        self.built = True
        self.compile(
            optimizer=model.optimizer,
            loss=None,
            jit_compile=False,
            auto_scale_loss=False,
        )
        self._steps = SharedSteps(
            model, self._measure, self._objective, model.optimizer, replicas
        )

    @property
    def metrics(self):
        return [self.loss_tracker, self.accuracy]

    def call(self, inputs, training=None):
        return self.model(inputs, training=training)

    def gradient_graph(self, batch_spec):
        """Returns the graph that costs the most memory; it is not run.

        Args:
            batch_spec: Tuple of `tf.TensorSpec`s of a replica's share:
                `(x, y)` or `(x, y, sample_weight)`.
        """
        x, *y = batch_spec
        return self._steps.gradient_graph((x,), tuple(y))

    def make_train_function(self, force=False):
        """The step is Python; what it calls is compiled."""
        self.train_function = lambda batches: self.train_step(next(batches))

    def make_test_function(self, force=False):
        """As that of training."""
        self.test_function = lambda batches: self.test_step(next(batches))

    def train_step(self, data):
        shares = [
            ((x,), (y, *sample_weight))
            for x, y, *sample_weight in self.replicas.shares(data)
        ]
        figures, _ = self._steps.train(shares)
        return self._updated(figures, len(data[1]))

    def test_step(self, data):
        shares = [
            ((x,), (y,), counts)
            for (x, y), counts in self.replicas.padded_shares(data)
        ]
        figures, _ = self._steps.test(shares)
        return self._updated(figures, len(data[1]))

    def _updated(self, figures, examples):
        for metric, figure in zip(self.metrics, figures):
            metric.update_state(figure, examples)
        return {metric.name: metric.result() for metric in self.metrics}

    def _objective(self, outputs, added, y):
        y, *sample_weight = y
        loss = self.model.compute_loss(
            None, y, outputs, *sample_weight, training=True
        )
        return loss + sum(added)

    def _measure(self, outputs, y, counts):
        training = counts is None
        y, *sample_weight = y if training else (*y, counts)
        loss = self.model.compute_loss(
            None, y, outputs, *sample_weight, training=training
        )
        logits = tf.nest.flatten(outputs)[0]
        one_hot = y.shape.rank == logits.shape.rank
        accuracy = (
            keras.metrics.categorical_accuracy
            if one_hot
            else keras.metrics.sparse_categorical_accuracy
        )
        right = tf.cast(accuracy(y, logits), loss.dtype)
        if not training:
            right *= tf.cast(counts, loss.dtype)
        return [loss, tf.reduce_mean(right)], []


class ReadingOnReplicas(WithCarriedState):
    """A language model that replicas train and test together.

    Each reads its rows of the text, and carries its own states on.

    Args:
        network: `tfdarts.models.language_model.LanguageModel`.
        replicas: `tfdarts.training.devices.Replicas`.
    """

    def __init__(self, network, replicas, **kwargs):
        super().__init__(network, **kwargs)
        self.replicas = replicas

    def compile(self, optimizer=None):
        super().compile(optimizer)
        self._steps = SharedSteps(
            self.network,
            self._measure,
            self._objective,
            self.optimizer,
            self.replicas,
            AnyLength,
        )

    def train_step(self, data):
        shares = self._reading("train", self.replicas.shares(data))
        figures, self._states["train"] = self._steps.train(shares)
        return self._updated(*figures, tf.size(data[1]))

    def test_step(self, data):
        shares, counts = zip(*self.replicas.padded_shares(data))
        shares = self._reading("test", shares)
        figures, self._states["test"] = self._steps.test(
            [(*share, count) for share, count in zip(shares, counts)]
        )
        return self._updated(*figures, tf.size(data[1]))

    def _reading(self, stream, shares):
        return self._with_states(stream, shares, self.network.initial_state)

    def _objective(self, outputs, added, y):
        return self.cross_entropy(y, outputs[0]) + sum(added)

    def _measure(self, outputs, y, counts):
        logits, state = outputs
        if counts is not None:
            counts = counts[:, tf.newaxis]
        return [self.cross_entropy(y, logits, counts)], state


def predicted(network, dataset, replicas):
    """Returns what a network says of all inputs, an array.

    Args:
        network: Keras model of one input and one output.
        dataset: `tf.data.Dataset` of `(inputs, labels)`.
        replicas: `tfdarts.training.devices.Replicas` that share each batch.
    """
    model = PureModel(network)
    weights, state = model.read()
    forward = replicas.compiled(
        lambda weights, state, x: model(weights, state, (x,), training=False)[0]
    )

    def compute(share):
        x, _ = share
        return replicas.gathered(forward(weights, state, x))

    rows = []
    for x, _ in dataset:
        outputs = replicas.run(compute, replicas.padded_shares(x))
        rows.append(outputs[0].numpy()[: len(x)])
    return np.concatenate(rows)
