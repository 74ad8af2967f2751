"""Paths left out at random while a network is trained."""

import keras

from tfdarts.parts import own_rows


@keras.saving.register_keras_serializable(package="tfdarts")
class DropPath(keras.layers.Layer):
    """Sets all of an example to zero with a probability that may change.

    What is left is scaled so that the mean stays. One layer may stand at many
    places of a model: each draws by itself, and all have the same rate.

    Args:
        seed: Integer. Defaults to one drawn from Keras' global seed.

    Input shape:
        4D tensor `(batch, height, width, channels)`.

    Output shape:
        That of the inputs.

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
        drawn = own_rows(self._drawn, keras.ops.shape(inputs)[0])
        drawn = keras.ops.cast(drawn, keep.dtype)
        # The largest keep is 1, which every number drawn is below.
        factors = keras.ops.where(drawn < keep, 1 / keep, 0)
        return inputs * keras.ops.cast(factors, inputs.dtype)

    def _drawn(self, rows):
        """Numbers from 0 to 1, one a row, the same in every precision."""
        return keras.random.uniform(
            (rows, 1, 1, 1), dtype="float32", seed=self.seed_generator
        )

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}
