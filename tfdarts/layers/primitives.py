"""The layers of the primitives by name, and the primitives without kernels."""

import contextlib
import contextvars

import keras
import tensorflow as tf

from tfdarts.layers.batch_norm import BatchNorm
from tfdarts.layers.conv_bn_relu import ConvBNReLU
from tfdarts.layers.convolutions import LAYOUT
from tfdarts.layers.convolutions import Conv7x1Conv1x7
from tfdarts.layers.convolutions import DilConv
from tfdarts.layers.convolutions import FactorizedReduce
from tfdarts.layers.convolutions import ReLUConvBN
from tfdarts.layers.convolutions import SepConv
from tfdarts.layers.noise import Noise
from tfdarts.layers.stack import Stack
from tfdarts.layers.subsample import Subsample
from tfdarts.layers.subsample import strided_shape
from tfdarts.primitive_table import as_function
from tfdarts.primitive_table import primitive_entry


@keras.saving.register_keras_serializable(package="tfdarts")
class Zero(keras.layers.Layer):
    """`none`: returns zeros.

    Args:
        strides: Integer. Defaults to `1`.
        filters: Integer, the channels of the output. Defaults to those of the
            input.

    Input shape:
        4D tensor `(batch, height, width, channels)`.

    Output shape:
        4D tensor `(batch, height / strides, width / strides, filters)`,
        rounded up.

    Example:

    >>> float(keras.ops.sum(Zero()(keras.ops.ones((1, 8, 8, 3)))))
    0.0
    """

    def __init__(self, strides=1, filters=None, **kwargs):
        super().__init__(**kwargs)
        self.strides = strides
        self.filters = filters

    def build(self, input_shape):
        pass

    def call(self, inputs):
        like = inputs[:, :: self.strides, :: self.strides]
        if self.filters is not None:
            like = keras.ops.repeat(like[..., :1], self.filters, axis=-1)
        return keras.ops.zeros_like(like)

    def compute_output_shape(self, input_shape):
        *strided, channels = strided_shape(input_shape, self.strides)
        return (*strided, self.filters or channels)

    def get_config(self):
        config = {**super().get_config(), "strides": self.strides}
        return config | ({"filters": self.filters} if self.filters else {})


@keras.saving.register_keras_serializable(package="tfdarts")
class Skip(keras.layers.Identity):
    """`skip_connect` of stride 1: returns the input.

    `keras.layers.Identity` has no config if its dtype is given as a policy.

    Input shape:
        Any.

    Output shape:
        Same as the input.

    Example:

    >>> skip = Skip(dtype=keras.DTypePolicy("mixed_bfloat16"))
    >>> Skip.from_config(skip.get_config()).compute_dtype
    'bfloat16'
    """

    def get_config(self):
        return super().get_config()


_twice_differentiable = contextvars.ContextVar(
    "twice_differentiable", default=False
)


@contextlib.contextmanager
def twice_differentiable():
    """Makes functions traced inside twice differentiable.

    Gradients of their own can be differentiated only once. And on CPUs,
    TensorFlow's kernel for the second derivative of max pooling at stride 1
    silently returns zeros where its input is a temporary. Inside this context,
    max pooling is computed by `tf.maximum`, at twice the cost.
    """
    token = _twice_differentiable.set(True)
    try:
        yield
    finally:
        _twice_differentiable.reset(token)


def is_twice_differentiable():
    """Returns whether a function is traced inside `twice_differentiable`."""
    return _twice_differentiable.get()


@keras.saving.register_keras_serializable(package="tfdarts")
class MaxPooling3x3(keras.layers.MaxPooling2D):
    """3x3 max pooling of stride 1 that can be differentiated twice.

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section 3.1
    """

    def __init__(self, **kwargs):
        super().__init__(
            **{**kwargs, "pool_size": 3, "strides": 1, "padding": "same"},
        )

    def call(self, inputs):
        if not is_twice_differentiable():
            return super().call(inputs)
        sides = [(0, 0), (1, 1), (1, 1), (0, 0)]
        lowest = inputs.dtype.min
        padded = tf.pad(inputs, sides, constant_values=lowest)
        rows = tf.maximum(
            tf.maximum(padded[:, :-2], padded[:, 1:-1]), padded[:, 2:]
        )
        return tf.maximum(
            tf.maximum(rows[:, :, :-2], rows[:, :, 1:-1]), rows[:, :, 2:]
        )


@keras.saving.register_keras_serializable(package="tfdarts")
class Pool3x3(Stack):
    """`max_pool_3x3` and `avg_pool_3x3`; the average ignores padding.

    Args:
        kind: `"max"` or `"avg"`.
        strides: Integer, `1` or `2`.
        repeats: Integer, how often maxima are taken: `2` for the maxima of
            5x5 pixels, `3` for those of 7x7. Defaults to `1`.
        batch_norm: Boolean, whether a batch normalization without scale and
            offset follows, as in searches. Defaults to `False`.

    Input shape:
        4D tensor `(batch, height, width, channels)`.

    Output shape:
        4D tensor `(batch, height / strides, width / strides, channels)`,
        rounded up.

    Example:

    >>> images = keras.ops.reshape(keras.ops.arange(4.0), (1, 2, 2, 1))
    >>> Pool3x3("avg")(images)[0, 0, 0, 0].numpy()  # the mean of all four
    np.float32(1.5)
    """

    def __init__(self, kind, strides=1, batch_norm=False, repeats=1, **kwargs):
        super().__init__(**kwargs)
        if kind not in ("max", "avg"):
            raise ValueError(
                f"`kind` must be 'max' or 'avg'. Received: kind={kind!r}."
            )
        self.kind = kind
        self.strides = strides
        self.batch_norm = batch_norm
        self.repeats = repeats
        dtype = self.dtype_policy
        self.layers_in_order += [
            MaxPooling3x3(dtype=dtype, **LAYOUT)
            if kind == "max"
            else keras.layers.AveragePooling2D(
                3, strides=1, padding="same", dtype=dtype, **LAYOUT
            )
            for _ in range(repeats)
        ]
        if strides == 2:
            self.layers_in_order.append(Subsample(dtype=dtype))
        if batch_norm:
            self.layers_in_order.append(BatchNorm(affine=False, dtype=dtype))

    def get_config(self):
        return {
            **super().get_config(),
            "kind": self.kind,
            "strides": self.strides,
            "batch_norm": self.batch_norm,
            **({"repeats": self.repeats} if self.repeats > 1 else {}),
        }


def primitive(operation, filters, strides=1, search=False, **kwargs):
    """Returns the layer of a primitive.

    Args:
        operation: String, a primitive of convolutional cells.
        filters: Integer, channels of the input and of the output.
        strides: Integer, `1` or `2`.
        search: Boolean, whether to return the layer for a search: batch
            normalization has no scale and offset, and also follows each
            pooling. Defaults to `False`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Raises:
        ValueError: If no primitive has this name.
    """
    entry = primitive_entry(operation, "layers")
    layer = as_function(entry.layer)
    made = layer(filters, strides, search, **entry.options, **kwargs)
    if not isinstance(made, keras.Layer):
        raise ValueError(
            f"The function of the primitive {operation} must return a Keras "
            f"layer. Received from it: {made!r}."
        )
    return made


def zero(filters, strides, search, **kwargs):
    """Returns the layer of `none`; see `primitive`."""
    return Zero(strides, **kwargs)


def pooling(filters, strides, search, **kwargs):
    """Returns the layer of a pooling; see `primitive` and `Pool3x3`."""
    return Pool3x3(strides=strides, batch_norm=search, **kwargs)


def skip(filters, strides, search, **kwargs):
    """Returns the layer of `skip_connect`; see `primitive`."""
    if strides == 1:
        return Skip(**kwargs)
    return FactorizedReduce(filters, affine=not search, **kwargs)


def sep_conv(filters, strides, search, kernel_size, **kwargs):
    """Returns the layer of a `sep_conv`; see `primitive`."""
    form = {"strides": strides, "affine": not search}
    return SepConv(filters, kernel_size, **form, **kwargs)


def dil_conv(filters, strides, search, kernel_size, **kwargs):
    """Returns the layer of a `dil_conv`; see `primitive`."""
    form = {"strides": strides, "affine": not search}
    return DilConv(filters, kernel_size, **form, **kwargs)


def noise(filters, strides, search, **kwargs):
    """Returns the layer of `noise`; see `primitive`."""
    return Noise(strides, **kwargs)


def nor_conv(filters, strides, search, kernel_size, **kwargs):
    """Returns the layer of a `nor_conv`; see `primitive`."""
    form = {"strides": strides, "affine": not search}
    return ReLUConvBN(filters, kernel_size, **form, **kwargs)


def conv_bn_relu(filters, strides, search, **kwargs):
    """Returns the layer of a primitive that ends with ReLU."""
    return ConvBNReLU(filters, strides=strides, affine=not search, **kwargs)


def conv_kx1_1xk(filters, strides, search, kernel_size, **kwargs):
    """Returns the layer of `conv_7x1_1x7` or `conv_3x1_1x3`."""
    form = {"strides": strides, "affine": not search}
    return Conv7x1Conv1x7(filters, kernel_size, **form, **kwargs)
