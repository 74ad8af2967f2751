"""What Keras' `fit` lacks where several processes train a model together."""

import functools

import keras
import tensorflow as tf

from tfdarts.parts import with_a_row
from tfdarts.parts import worker_of


class OnDevices:
    """What stands before `keras.Model` in the bases of a model for any devices.

    The model is one of images, made under the scope of a strategy of
    `tf.distribute`. A replica may have no row of a test's last batch. With
    `MultiWorkerMirroredStrategy` Keras 3.15 asks TensorFlow for two means that
    TensorFlow does not take: that of a batch, to build metrics by, and those
    of logs that are single numbers.

    Reference:

    - https://github.com/keras-team/keras/issues/20585
    """

    def call(self, inputs, training=None, mask=None):
        call = functools.partial(super().call, training=training, mask=mask)
        return with_a_row(call, inputs)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        results = super().compute_metrics(x, y, y_pred, sample_weight)
        if worker_of(self.distribute_strategy)[1] == 1:
            return results
        return {name: tf.reshape(v, [1]) for name, v in results.items()}

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        to_build = self._compile_metrics, self._compile_loss, self.optimizer
        if all(each is None or each.built for each in to_build):
            return  # A batch would be read for nothing.
        if iterator is not None and self._distribute_strategy is not None:
            batch = next(iter(iterator._get_iterator()))
            local = self.distribute_strategy.experimental_local_results
            data_batch = tf.nest.map_structure(lambda v: local(v)[0], batch)
        super()._maybe_symbolic_build(data_batch=data_batch)


class FunctionalOnDevices(OnDevices, keras.Model):
    """A functional Keras model for any devices."""
