"""A callback that averages moving statistics over the replicas."""

import keras
import tensorflow as tf

from tfdarts.layers.nested import nested_layers
from tfdarts.training.flat_variables import FlatVariables


class MeanStatistics(keras.callbacks.Callback):
    """Averages the moving statistics of batch norms over all replicas.

    Under a `tf.distribute` strategy each replica updates the moving statistics
    with its own local batch. Averaging the moving statistics equals averaging
    the batch statistics in each step. So it is enough to average when the
    statistics are used or saved: before evaluation, and at the end of an
    epoch. Place this callback before callbacks that save.

    With one device the callback does nothing.

    Example:

    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> model.compile(loss="mse")
    >>> history = model.fit(
    ...     *(keras.ops.ones((4, 2)), keras.ops.ones((4, 1))),
    ...     callbacks=[tfdarts.MeanStatistics()],
    ...     verbose=0,
    ... )
    """

    def set_model(self, model):
        super().set_model(model)
        self._average = None

    def on_test_begin(self, logs=None):
        self.on_epoch_end(None)

    def on_epoch_end(self, epoch, logs=None):
        if self.model.distribute_strategy.num_replicas_in_sync == 1:
            return
        if self._average is None:
            self._average = tf.function(self._build_average())
        self._average()

    def _build_average(self):
        strategy = self.model.distribute_strategy
        flat = FlatVariables(
            moving
            for layer in nested_layers(self.model)
            if isinstance(layer, keras.layers.BatchNormalization)
            for moving in (layer.moving_mean, layer.moving_variance)
        )

        def average():
            own = strategy.run(flat.read)
            flat.write(strategy.reduce("MEAN", own, axis=None))

        return average
