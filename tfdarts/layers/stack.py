"""Layers made of other layers in a row."""

import keras


class Stack(keras.layers.Layer):
    """Applies its layers one after the other.

    A subclass appends to `self.layers_in_order` in its constructor. Unlike a
    `keras.Sequential` it is a layer and no model, so it costs no graph of its
    own.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.layers_in_order = []

    def build(self, input_shape):
        for layer in self.layers_in_order:
            layer.build(input_shape)
            input_shape = layer.compute_output_shape(input_shape)

    def call(self, inputs, training=None):
        outputs = inputs
        for layer in self.layers_in_order:
            outputs = layer(outputs, training=training)
        return outputs

    def compute_output_shape(self, input_shape):
        for layer in self.layers_in_order:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape
