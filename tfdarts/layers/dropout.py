"""Keras' dropout, the same on many replicas as on one device."""

import keras
import tensorflow as tf
from keras.src.layers.rnn import dropout_rnn_cell

from tfdarts.layers.replicas import num_replicas
from tfdarts.layers.replicas import own_rows


@keras.saving.register_keras_serializable(package="tfdarts")
class SpatialDropout1D(keras.layers.SpatialDropout1D):
    """Leaves out the same units in all steps of a row; see Keras' own.

    Each replica leaves out what one device would of its rows.
    """

    def call(self, inputs, training=False):
        if num_replicas() == 1 or not (training and self.rate):
            return super().call(inputs, training=training)
        units = inputs.shape[-1]

        def drawn(rows):
            ones = tf.ones((rows, 1, units), inputs.dtype)
            return keras.random.dropout(
                ones, self.rate, seed=self.seed_generator
            )

        return inputs * own_rows(drawn, tf.shape(inputs)[0])

    def get_config(self):
        # In Keras' own a mixed precision becomes that of the variables.
        dtype = keras.dtype_policies.serialize(self.dtype_policy)
        return {**super().get_config(), "dtype": dtype}


class DropoutRNNCell(dropout_rnn_cell.DropoutRNNCell):
    """The masks of an RNN cell, the same in all steps; see Keras' own.

    Each replica has those that one device would have for its rows.
    """

    def _create_dropout_mask(self, step_input, dropout_rate):
        def drawn(rows):
            ones = tf.ones((rows, step_input.shape[-1]), step_input.dtype)
            return super(DropoutRNNCell, self)._create_dropout_mask(
                ones, dropout_rate
            )

        return own_rows(drawn, tf.shape(step_input)[0])
