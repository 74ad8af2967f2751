"""Drop path: randomly drops paths of a network in training."""

import functools

import keras

from tfdarts.replicas import own_rows


@keras.saving.register_keras_serializable(package="tfdarts")
class DropPath(keras.layers.Layer):
    """Zeroes whole examples with a probability that may change.

    Kept examples are scaled so that the mean is preserved. A model may call
    one layer at many places: each call draws its own mask, with the same rate.

    Args:
        seed: Integer. Defaults to a seed drawn from Keras' global seed.

    Call arguments:
        inputs: 4D tensor.
        training: Boolean.
        num_paths: Integer, the number of paths whose channels are
            concatenated. Each is dropped by itself. Defaults to `1`.

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

    def call(self, inputs, training=False, num_paths=1):
        if not training:
            return inputs
        factors = self.factors(inputs, (1, 1, num_paths))
        if num_paths > 1:
            channels = inputs.shape[-1] // num_paths
            factors = keras.ops.repeat(factors, channels, axis=3)
        return inputs * factors

    def factors(self, inputs, shape):
        """Returns 0 for what is dropped, otherwise the scale.

        Args:
            inputs: 4D tensor.
            shape: Tuple, the shape of one row of factors.
        """
        keep = 1 - keras.ops.convert_to_tensor(self.rate)
        draw = functools.partial(self._draw, shape)
        drawn = own_rows(draw, keras.ops.shape(inputs)[0])
        drawn = keras.ops.cast(drawn, keep.dtype)
        # At rate 0 `keep` is 1, and every drawn number is below 1.
        factors = keras.ops.where(drawn < keep, 1 / keep, 0)
        return keras.ops.cast(factors, inputs.dtype)

    def _draw(self, shape, rows):
        """Returns numbers in [0, 1), the same in every precision."""
        return keras.random.uniform(
            (rows, *shape), dtype="float32", seed=self.seed_generator
        )

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}
