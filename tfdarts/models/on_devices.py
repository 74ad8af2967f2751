"""What Keras' `fit` lacks where several processes train a model together."""

import keras
import tensorflow as tf

from tfdarts.parts import worker_of


class OnDevices:
    """What stands before `keras.Model` in the bases of a model for any devices.

    The model is made under the scope of a strategy of `tf.distribute`. With
    `MultiWorkerMirroredStrategy` Keras 3.15 asks TensorFlow for two means that
    TensorFlow does not take: that of a batch, to build metrics by, and those
    of logs that are single numbers.

    Reference:

    - https://github.com/keras-team/keras/issues/20585
    """

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        results = super().compute_metrics(x, y, y_pred, sample_weight)
        if worker_of(self.distribute_strategy)[1] == 1:
            return results
        return {name: tf.reshape(v, [1]) for name, v in results.items()}

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        if iterator is not None and self._distribute_strategy is not None:
            batch = next(iter(iterator._get_iterator()))
            local = self.distribute_strategy.experimental_local_results
            data_batch = tf.nest.map_structure(lambda v: local(v)[0], batch)
        super()._maybe_symbolic_build(data_batch=data_batch)


class FunctionalOnDevices(OnDevices, keras.Model):
    """A functional Keras model for any devices."""
