"""Drop path: randomly drops paths of a network in training."""

import keras

from tfdarts.replicas import own_rows


@keras.saving.register_keras_serializable(package="tfdarts")
class DropPath(keras.layers.Layer):
    """Zeroes whole examples with a probability that may change.

    Kept examples are scaled so that the mean is preserved. A model may call
    one layer at many places: each call draws its own mask, with the same rate.

    Args:
        seed: Integer. Defaults to a seed drawn from Keras' global seed.

    Input shape:
        4D tensor `(batch, height, width, channels)`.

    Output shape:
        Same as the inputs.

    Example:

    >>> drop_path = DropPath()
    >>> _ = drop_path.rate.assign(0.5)
    >>> outputs = drop_path(keras.ops.ones((100, 2, 2, 3)), training=True)
    >>> sorted({*outputs.numpy().ravel().tolist()})
    [0.0, 2.0]

    Reference:

    - [Larsson et al., 2017](https://arxiv.org/abs/1605.07648)
    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section A.2.1
    """

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        is_double = self.variable_dtype == "float64"
        self.rate = self.add_weight(
            name="rate",
            shape=(),
            initializer="zeros",
            dtype="float64" if is_double else "float32",
            autocast=False,
            trainable=False,
        )

    def build(self, input_shape):
        pass

    def call(self, inputs, training=False):
        if not training:
            return inputs
        keep = 1 - keras.ops.convert_to_tensor(self.rate)
        drawn = own_rows(self._draw, keras.ops.shape(inputs)[0])
        drawn = keras.ops.cast(drawn, keep.dtype)
        # At rate 0 `keep` is 1, and every drawn number is below 1.
        factors = keras.ops.where(drawn < keep, 1 / keep, 0)
        return inputs * keras.ops.cast(factors, inputs.dtype)

    def _draw(self, rows):
        """Returns a number in [0, 1) per row, the same in every precision."""
        return keras.random.uniform(
            (rows, 1, 1, 1), dtype="float32", seed=self.seed_generator
        )

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}
