"""`noise`: an operation that carries no information."""

import keras

from tfdarts.layers.subsample import strided_shape
from tfdarts.replicas import own_rows


@keras.saving.register_keras_serializable(package="tfdarts")
class Noise(keras.layers.Layer):
    """Returns standard normal noise, in training and in inference.

    Each part of a batch gets its rows of the whole batch's noise.

    Args:
        strides: Integer, `1` or `2`.
        seed: Integer. Defaults to a seed drawn from Keras' global seed.

    Input shape:
        4D tensor `(batch, height, width, channels)`.

    Output shape:
        4D tensor `(batch, height / strides, width / strides, channels)`,
        rounded up.

    Example:

    >>> outputs = Noise(strides=2, seed=0)(keras.ops.zeros((1, 7, 8, 3)))
    >>> outputs.shape, bool(keras.ops.std(outputs) > 0.5)
    (TensorShape([1, 4, 4, 3]), True)

    Reference:

    - [Zela et al., 2020](https://arxiv.org/abs/1909.09656), space S4
    """

    def __init__(self, strides=1, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.strides = strides
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        pass

    def call(self, inputs):
        rows, *others = keras.ops.shape(inputs)
        height, width, channels = others
        shape = (-(-height // self.strides), -(-width // self.strides))

        def draw(rows):
            return keras.random.normal(
                (rows, *shape, channels),
                dtype="float32",
                seed=self.seed_generator,
            )

        return keras.ops.cast(own_rows(draw, rows), inputs.dtype)

    def compute_output_shape(self, input_shape):
        return strided_shape(input_shape, self.strides)

    def get_config(self):
        return {
            **super().get_config(),
            "strides": self.strides,
            "seed": self.seed,
        }
