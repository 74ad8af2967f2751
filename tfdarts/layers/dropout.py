"""Keras' dropout, the same in parts of a batch as in the whole."""

import keras
import tensorflow as tf
from keras.src.layers.rnn import dropout_rnn_cell

from tfdarts.parts import own_rows


@keras.saving.register_keras_serializable(package="tfdarts")
class SpatialDropout1D(keras.layers.SpatialDropout1D):
    """Leaves out the same units in all steps of a row; see Keras' own.

    Each part of a batch leaves out what the whole batch would of its rows.
    """

    def call(self, inputs, training=False):
        if not (training and self.rate):
            return inputs
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

    Each part of a batch has those that the whole batch would have.
    """

    def _create_dropout_mask(self, step_input, dropout_rate):
        def drawn(rows):
            ones = tf.ones((rows, step_input.shape[-1]), step_input.dtype)
            return super(DropoutRNNCell, self)._create_dropout_mask(
                ones, dropout_rate
            )

        return own_rows(drawn, tf.shape(step_input)[0])
