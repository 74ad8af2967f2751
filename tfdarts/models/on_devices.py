"""Fixes to Keras' `fit` for models that several processes train."""

import functools
import inspect

import keras
import tensorflow as tf

from tfdarts.replicas import apply_to_nonempty
from tfdarts.replicas import worker_of


class OnDevices:
    """Mixin of image models for any devices; precedes `keras.Model` in bases.

    Create the model under the scope of a `tf.distribute` strategy. A replica
    may have an empty local batch at the end of an evaluation. With
    `MultiWorkerMirroredStrategy`, Keras 3.15 asks TensorFlow for two means
    that TensorFlow does not compute: the mean of a batch, to build metrics,
    and the means of scalar logs.

    Reference:

    - https://github.com/keras-team/keras/issues/20585
    """

    def call(self, inputs, training=None, mask=None):
        call = functools.partial(super().call, training=training, mask=mask)
        return apply_to_nonempty(call, inputs)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        results = super().compute_metrics(x, y, y_pred, sample_weight)
        if worker_of(self.distribute_strategy)[1] == 1:
            return results
        return {name: tf.reshape(v, [1]) for name, v in results.items()}

    def _make_function(self, step_function):
        function = super()._make_function(step_function)
        # TensorFlow counts the graphs of all models as those of one function,
        # and would warn of retracing when a process trains many networks.
        steps = inspect.getclosurevars(function).nonlocals
        steps["multi_step_on_iterator"]._omit_frequent_tracing_warning = True
        return function

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        to_build = self._compile_metrics, self._compile_loss, self.optimizer
        if all(each is None or each.built for each in to_build):
            return  # Keras would read a batch and not use it.
        if iterator is not None and self._distribute_strategy is not None:
            batch = next(iter(iterator._get_iterator()))
            local = self.distribute_strategy.experimental_local_results
            data_batch = tf.nest.map_structure(lambda v: local(v)[0], batch)
        super()._maybe_symbolic_build(data_batch=data_batch)


class FunctionalOnDevices(OnDevices, keras.Model):
    """A functional Keras model for any devices."""
