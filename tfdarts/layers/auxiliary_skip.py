"""A mixed operation with a further skip connection, which fades."""

import keras
import tensorflow as tf

from tfdarts.layers.bundles import skip_bundle
from tfdarts.layers.mixed_op import MixedOp


@keras.saving.register_keras_serializable(package="tfdarts")
class AuxiliarySkipMixedOp(MixedOp):
    """A mixed operation plus a skip connection without alpha.

    The auxiliary skip connection helps the gradient to flow, so that alpha
    need not choose `skip_connect` for this purpose. On each edge,
    `skip_weight` times the input is added; at stride 2, `skip_weight` times a
    factorized reduction of the input. A search lowers the variable
    `skip_weight` from 1 to 0.

    Args:
        *args, **kwargs: See `MixedOp`.

    Example:

    >>> primitives = ("none", "sep_conv_3x3")
    >>> mixed_op = AuxiliarySkipMixedOp(1, 4, primitives=primitives)
    >>> ones, only_none = keras.ops.ones((1, 2, 2, 4)), [[1.0, 0.0]]
    >>> float(keras.ops.mean(mixed_op(ones, keras.ops.array(only_none))))
    1.0

    Reference:

    - [Chu et al., 2021](https://arxiv.org/abs/2009.01027), equation 4
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.skip = skip_bundle(
            self.num_edges,
            self.filters,
            self.strides,
            name="auxiliary_skip",
            dtype=self.dtype_policy,
        )

    def build(self, inputs_shape, edge_weights_shape=None):
        super().build(inputs_shape, edge_weights_shape)
        self.skip_weight = self.add_weight(
            name="skip_weight", shape=(), initializer="ones", trainable=False
        )
        if self.skip is not None:
            self.skip.build(inputs_shape)

    def call(self, inputs, edge_weights=None, training=None):
        outputs = super().call(inputs, edge_weights, training)
        if self.skip is None:
            scaled = inputs * tf.cast(self.skip_weight, inputs.dtype)
            return outputs + tf.tile(scaled, [1, 1, 1, self.num_edges])
        scale = tf.repeat(
            keras.ops.convert_to_tensor(self.skip_weight),
            self.num_edges * self.filters,
        )
        active = self.relu(inputs)
        return outputs + self.skip(active, scale, training=training)
