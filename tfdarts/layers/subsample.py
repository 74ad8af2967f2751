"""Every second pixel."""

import keras


@keras.saving.register_keras_serializable(package="tfdarts")
class Subsample(keras.layers.Layer):
    """Keeps every second row and column.

    Args:
        offset: Integer, `0` to begin with the first row and column, `1` to
            begin with the second; then odd sizes get one row and one column
            of zeros, so that both give the same size. Defaults to `0`.

    Input shape:
        4D tensor `(batch, height, width, channels)`.

    Output shape:
        4D tensor `(batch, height / 2, width / 2, channels)`, rounded up.
    """

    def __init__(self, offset=0, **kwargs):
        super().__init__(**kwargs)
        self.offset = offset

    def build(self, input_shape):
        pass

    def call(self, inputs):
        if self.offset:
            _, height, width, _ = inputs.shape
            if height % 2 or width % 2:
                inputs = keras.ops.pad(
                    inputs, [(0, 0), (0, height % 2), (0, width % 2), (0, 0)]
                )
        return inputs[:, self.offset :: 2, self.offset :: 2]

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, (height + 1) // 2, (width + 1) // 2, channels)

    def get_config(self):
        return {**super().get_config(), "offset": self.offset}
