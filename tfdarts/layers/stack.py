"""Layers that apply a sequence of other layers."""

import keras


class Stack(keras.layers.Layer):
    """Applies its layers one after the other.

    A subclass appends to `self.layers_in_order` in its constructor. Unlike
    `keras.Sequential`, a stack is not a model and needs no graph of its own.
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
