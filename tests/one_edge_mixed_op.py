"""The mixed operation as the textbook has it, one edge at a time."""

import keras
import tensorflow as tf

from tfdarts.genotypes import PRIMITIVES
from tfdarts.layers.primitives import primitive


class OneEdgeMixedOp(keras.layers.Layer):
    """Every primitive on every edge by itself; called as a `MixedOp` is."""

    def __init__(
        self, num_edges, filters, strides=1, primitives=PRIMITIVES, **kwargs
    ):
        super().__init__(**kwargs)
        self.primitives = primitives
        form = {"search": True, "dtype": self.dtype_policy}
        self.edges = [
            [primitive(name, filters, strides, **form) for name in primitives]
            for _ in range(num_edges)
        ]

    def build(self, inputs_shape, edge_weights_shape):
        for operation in sum(self.edges, []):
            operation.build(inputs_shape)

    def call(self, inputs, edge_weights, training=None):
        outputs = [
            sum(
                weight * operation(inputs, training=training)
                for weight, operation in zip(tf.unstack(weights), operations)
            )
            for weights, operations in zip(tf.unstack(edge_weights), self.edges)
        ]
        return tf.concat(outputs, axis=-1)
