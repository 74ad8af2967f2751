"""Subsampling: keeps every second pixel."""

import keras
import tensorflow as tf


def strided_shape(shape, strides):
    """Returns the shape of images after a stride, rounded up.

    Args:
        shape: Tuple `(batch, height, width, channels)`, `None` where unknown.
        strides: Integer.

    Example:

    >>> strided_shape((None, 5, 4, 3), strides=2)
    (None, 3, 2, 3)
    """
    batch, *sizes, channels = shape
    sizes = [size if size is None else -(-size // strides) for size in sizes]
    return (batch, *sizes, channels)


def every_second_pixel(images):
    """Returns every second row and column of images, from the first on.

    Pooling with a window of 1 is several times faster than TensorFlow's
    strided slice and its gradient.

    Args:
        images: 4D tensor `(batch, height, width, channels)`, floating point.

    Example:

    >>> images = keras.ops.reshape(keras.ops.arange(9.0), (1, 3, 3, 1))
    >>> every_second_pixel(images)[0, ..., 0].numpy().tolist()
    [[0.0, 2.0], [6.0, 8.0]]
    """
    return keras.ops.average_pool(
        images, 1, strides=2, data_format="channels_last"
    )


@keras.saving.register_keras_serializable(package="tfdarts")
class Subsample(keras.layers.Layer):
    """Keeps every second row and column.

    Args:
        offset: Integer, `0` to begin with the first row and column, `1` to
            begin with the second. With `1`, odd sizes are padded by a row
            and a column of zeros, so that both offsets return the same size.
            Defaults to `0`.

    Input shape:
        4D tensor `(batch, height, width, channels)`.

    Output shape:
        4D tensor `(batch, height / 2, width / 2, channels)`, rounded up.

    Example:

    >>> images = keras.ops.reshape(keras.ops.arange(9.0), (1, 3, 3, 1))
    >>> Subsample()(images)[0, ..., 0].numpy().tolist()
    [[0.0, 2.0], [6.0, 8.0]]
    >>> Subsample(offset=1)(images)[0, ..., 0].numpy().tolist()
    [[4.0, 0.0], [0.0, 0.0]]
    """

    def __init__(self, offset=0, **kwargs):
        super().__init__(**kwargs)
        self.offset = offset

    def build(self, input_shape):
        pass

    def call(self, inputs):
        if not self.offset:
            return every_second_pixel(inputs)
        if any(size is None or size % 2 for size in inputs.shape[1:3]):
            # On even sizes the padding is never read.
            inputs = keras.ops.pad(inputs, [(0, 0), (0, 1), (0, 1), (0, 0)])
        # `tf.slice`, because its gradient is only padding, unlike indexing's.
        return every_second_pixel(
            tf.slice(inputs, [0, 1, 1, 0], [-1, -1, -1, -1])
        )

    def compute_output_shape(self, input_shape):
        return strided_shape(input_shape, 2)

    def get_config(self):
        return {**super().get_config(), "offset": self.offset}
