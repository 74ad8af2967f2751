"""Keras' dropout, with masks that do not depend on how a batch is split."""

import keras
import tensorflow as tf
from keras.src.layers.rnn import dropout_rnn_cell

from tfdarts.replicas import own_rows


@keras.saving.register_keras_serializable(package="tfdarts")
class SpatialDropout1D(keras.layers.SpatialDropout1D):
    """Drops the same units in all steps of a row, like Keras' layer.

    Each part of a batch gets its rows of the whole batch's mask.
    """

    def call(self, inputs, training=False):
        if not (training and self.rate):
            return inputs
        units = inputs.shape[-1]

        def draw_mask(rows):
            ones = tf.ones((rows, 1, units), inputs.dtype)
            return keras.random.dropout(
                ones, self.rate, seed=self.seed_generator
            )

        return inputs * own_rows(draw_mask, tf.shape(inputs)[0])

    def get_config(self):
        # Keras' config would replace a mixed policy by the variable dtype.
        dtype = keras.dtype_policies.serialize(self.dtype_policy)
        return {**super().get_config(), "dtype": dtype}


class DropoutRNNCell(dropout_rnn_cell.DropoutRNNCell):
    """Draws the dropout masks of an RNN cell, one for all steps.

    Each part of a batch gets its rows of the whole batch's masks. The base
    class is Keras' own.
    """

    def _create_dropout_mask(self, step_input, dropout_rate):
        def draw_mask(rows):
            ones = tf.ones((rows, step_input.shape[-1]), step_input.dtype)
            return super(DropoutRNNCell, self)._create_dropout_mask(
                ones, dropout_rate
            )

        return own_rows(draw_mask, tf.shape(step_input)[0])
