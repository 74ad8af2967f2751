"""A choice of the number of units or filters of one layer."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from tfdarts.layers.alphas import Alphas
from tfdarts.layers.choice import Choice
from tfdarts.layers.choice import as_inputs
from tfdarts.layers.choice import output_shape_of
from tfdarts.layers.choice import validate_layers
from tfdarts.layers.relaxations import Relaxation
from tfdarts.layers.tensor_masks import mask_of


@keras.saving.register_keras_serializable(package="tfdarts")
class SizeChoice(Choice):
    """A choice of the number of units or filters of one layer.

    Only the widest layer is computed. Each size is the widest layer whose last
    channels are zero, as in single-path search.

    Args:
        layers: Sequence of Keras layers that differ only in their size.
        sizes: Sequence of integers, the last axis of their outputs.
        alphas, relaxation: See `LayerChoice`.

    Raises:
        ValueError: If the sizes do not increase, or the layer is recurrent:
            some units of a recurrent layer are not a smaller layer.

    Reference:

    - [Stamoulis et al., 2019](https://arxiv.org/abs/1904.02877)
    - [Wan et al., 2020](https://arxiv.org/abs/2004.05565), section 3.1
    """

    def __init__(
        self,
        layers: Sequence[keras.Layer],
        sizes: Sequence[int],
        alphas: Alphas | None = None,
        relaxation: str | Relaxation | None = None,
        **kwargs,
    ):
        layers, sizes = validate_layers(layers), [int(size) for size in sizes]
        if sizes != sorted({*sizes}) or len(sizes) != len(layers):
            raise ValueError(
                f"The sizes of a choice must increase, and there must be one "
                f"for each layer. Received: sizes={sizes} and {len(layers)} "
                f"layers."
            )
        if isinstance(
            layers[-1], (keras.layers.RNN, keras.layers.Bidirectional)
        ):
            raise ValueError(
                "The first units of a recurrent layer are not a smaller "
                "recurrent layer, because all units depend on one another. "
                "Use a LayerChoice of layers of equal size, or a choice of "
                "the size of a Dense layer after it."
            )
        super().__init__(len(sizes), alphas, relaxation, **kwargs)
        self.sizes = sizes
        self.layer = layers[-1]
        self.is_masked = False
        # Only the widest layer has weights; the others are kept as configs.
        self.descriptions = [
            keras.saving.serialize_keras_object(layer) for layer in layers
        ]

    @property
    def options(self):
        return [str(size) for size in self.sizes]

    def build(self, input_shape):
        self.input_shape_of_layer = tuple(input_shape)
        shape = self.compute_output_shape(input_shape)
        if shape[-1] != self.sizes[-1]:
            raise ValueError(
                f"The largest size of the choice {self.name} is "
                f"{self.sizes[-1]}, but its layer returns outputs of shape "
                f"{shape}: the last axis must have that size."
            )

    def compute_output_shape(self, input_shape):
        inputs = as_inputs(input_shape, self.compute_dtype)
        try:
            return output_shape_of(self.layer, inputs)
        except TypeError as error:
            raise ValueError(
                f"The choice {self.name} calls {self.layer.name} with one "
                f"input: {error}. Use a LayerChoice for layers of several "
                "arguments."
            ) from error

    def call(self, inputs, training=None):
        weights = self.option_weights(training)
        positions = np.arange(self.sizes[-1])
        masks = [positions < size for size in self.sizes]
        masks = tf.constant(np.stack(masks), weights.dtype)
        widest = self.layer(inputs)
        scale = tf.linalg.matvec(masks, weights, transpose_a=True)
        outputs = widest * tf.cast(scale, widest.dtype)
        self.is_masked = mask_of(widest) is not None
        self.attach_masks(outputs, [widest], [])
        return outputs

    def get_config(self):
        return {
            **super().get_config(),
            "layers": self.descriptions,
            "sizes": self.sizes,
        }
