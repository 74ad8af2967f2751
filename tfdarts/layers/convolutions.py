"""The convolutional primitives: ReLU, convolution, batch normalization.

Padding and strides follow PyTorch: on even sizes, TensorFlow's padding at
stride 2 would shift the output by one pixel.
"""

import keras

from tfdarts.layers.batch_norm import BatchNorm
from tfdarts.layers.stack import Stack
from tfdarts.layers.subsample import Subsample

LAYOUT = {"data_format": "channels_last"}


def uniform(fan_in):
    """Returns the initializer of PyTorch 0.3: U(-1/sqrt(n), 1/sqrt(n)).

    Args:
        fan_in: Integer, `n`: input channels times kernel size, for depthwise
            kernels too.
    """
    return keras.initializers.RandomUniform(-(fan_in**-0.5), fan_in**-0.5)


def uniform_fan_in(seed=None):
    """Returns the initializer `uniform`, with `n` from the kernel's shape."""
    return keras.initializers.VarianceScaling(
        scale=1 / 3, mode="fan_in", distribution="uniform", seed=seed
    )


def conv(filters, kernel_size, strides=1, dtype=None, padding=None):
    """Returns a convolution without bias.

    By default the padding is `"same"` at stride 1, which needs an odd kernel
    size, and `"valid"` otherwise.
    """
    return keras.layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding=padding or ("same" if strides == 1 else "valid"),
        use_bias=False,
        kernel_initializer=uniform_fan_in(),
        dtype=dtype,
        **LAYOUT,
    )


def separable_conv(filters, kernel_size, strides, dilation, dtype):
    """Returns the layers of a depthwise and a pointwise convolution.

    At stride 2 a kernel dilated by 2 reads only every second pixel, so it
    equals a plain kernel on the subsampled input.
    """
    layers = []
    if strides == dilation == 2:
        layers.append(Subsample(dtype=dtype))
        strides = dilation = 1
    if strides == 2:
        layers.append(
            keras.layers.ZeroPadding2D(kernel_size // 2, dtype=dtype, **LAYOUT)
        )
    layers.append(
        keras.layers.SeparableConv2D(
            filters,
            kernel_size,
            strides=strides,
            padding="same" if strides == 1 else "valid",
            dilation_rate=dilation,
            use_bias=False,
            depthwise_initializer=uniform_fan_in(),
            pointwise_initializer=uniform_fan_in(),
            dtype=dtype,
            **LAYOUT,
        )
    )
    return layers


class ConvolutionalPrimitive(Stack):
    """Base class of the convolutional primitives.

    Args:
        filters: Integer, output channels.
        strides: Integer, `1` or `2`.
        affine: Boolean, whether batch normalization has a trainable scale
            and offset. Searches set `False`. Defaults to `True`.

    Input shape:
        4D tensor `(batch, height, width, channels)`.

    Output shape:
        4D tensor `(batch, height / strides, width / strides, filters)`,
        rounded up.
    """

    def __init__(self, filters, strides=1, affine=True, **kwargs):
        super().__init__(**kwargs)
        if strides not in (1, 2):
            raise ValueError(
                f"`strides` must be 1 or 2. Received: strides={strides}."
            )
        self.filters = filters
        self.strides = strides
        self.affine = affine

    def add_block(self, *layers):
        """Appends ReLU, the layers and a batch normalization."""
        self.layers_in_order += [
            keras.layers.ReLU(dtype=self.dtype_policy),
            *layers,
            BatchNorm(self.affine, dtype=self.dtype_policy),
        ]

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "strides": self.strides,
            "affine": self.affine,
        }


@keras.saving.register_keras_serializable(package="tfdarts")
class ReLUConvBN(ConvolutionalPrimitive):
    """ReLU, convolution and batch normalization, as before a cell's nodes.

    Args:
        filters: Integer, output channels.
        kernel_size: Odd integer. Defaults to `1`.
        strides: Integer, `1` or `2`. Defaults to `1`.
        affine: Boolean, whether batch normalization has a trainable scale
            and offset. Defaults to `True`.

    Example:

    >>> ReLUConvBN(16)(keras.ops.ones((1, 8, 8, 3))).shape
    TensorShape([1, 8, 8, 16])
    """

    def __init__(self, filters, kernel_size=1, **kwargs):
        super().__init__(filters, **kwargs)
        self.kernel_size = kernel_size
        dtype, strides = self.dtype_policy, self.strides
        before = []
        if strides == 2 and kernel_size == 1:
            # TensorFlow 2.21 writes past the end of memory in the gradient of
            # a strided convolution of one pixel on fewer than eight channels,
            # on processors with AVX2 and without AVX-512.
            before, strides = [Subsample(dtype=dtype)], 1
        elif strides == 2:
            before = [
                keras.layers.ZeroPadding2D(
                    kernel_size // 2, dtype=dtype, **LAYOUT
                )
            ]
        self.add_block(*before, conv(filters, kernel_size, strides, dtype))

    def get_config(self):
        return {**super().get_config(), "kernel_size": self.kernel_size}


class SeparablePrimitive(ConvolutionalPrimitive):
    """A primitive of separable convolutions of one kernel size.

    Args:
        filters: Integer, output channels.
        kernel_size: Odd integer.
    """

    def __init__(self, filters, kernel_size, **kwargs):
        super().__init__(filters, **kwargs)
        self.kernel_size = kernel_size

    def add_separable_conv(self, strides, dilation):
        """Appends ReLU, the convolution and a batch normalization."""
        layers = separable_conv(
            *(self.filters, self.kernel_size, strides, dilation),
            self.dtype_policy,
        )
        self.add_block(*layers)

    def get_config(self):
        return {**super().get_config(), "kernel_size": self.kernel_size}


@keras.saving.register_keras_serializable(package="tfdarts")
class SepConv(SeparablePrimitive):
    """`sep_conv_kxk`: a separable convolution, applied twice.

    Args:
        filters: Integer, output channels.
        kernel_size: Odd integer.
        strides: Integer, `1` or `2`: the stride of the first application.
        affine: Boolean, whether batch normalization has a trainable scale
            and offset. Defaults to `True`.

    Example:

    >>> SepConv(16, kernel_size=5)(keras.ops.ones((1, 8, 8, 3))).shape
    TensorShape([1, 8, 8, 16])

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section 3.1
    """

    def __init__(self, filters, kernel_size, **kwargs):
        super().__init__(filters, kernel_size, **kwargs)
        self.add_separable_conv(self.strides, dilation=1)
        self.add_separable_conv(1, dilation=1)


@keras.saving.register_keras_serializable(package="tfdarts")
class DilConv(SeparablePrimitive):
    """`dil_conv_kxk`: a separable convolution dilated by 2, applied once.

    Args:
        filters: Integer, output channels.
        kernel_size: Odd integer.
        strides: Integer, `1` or `2`.
        affine: Boolean, whether batch normalization has a trainable scale
            and offset. Defaults to `True`.

    Example:

    >>> DilConv(16, kernel_size=3)(keras.ops.ones((1, 8, 8, 3))).shape
    TensorShape([1, 8, 8, 16])

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section 3.1
    """

    def __init__(self, filters, kernel_size, **kwargs):
        super().__init__(filters, kernel_size, **kwargs)
        self.add_separable_conv(self.strides, dilation=2)


@keras.saving.register_keras_serializable(package="tfdarts")
class Conv7x1Conv1x7(ConvolutionalPrimitive):
    """`conv_7x1_1x7`: a 1x7 and a 7x1 convolution, of NASNet's space.

    Args:
        filters: Integer, output channels.
        kernel_size: Odd integer, `3` for `conv_3x1_1x3`. Defaults to `7`.
        strides: Integer, `1` or `2`: along the width in the first
            convolution, along the height in the second.
        affine: Boolean, whether batch normalization has a trainable scale
            and offset. Defaults to `True`.

    Example:

    >>> Conv7x1Conv1x7(16, strides=2)(keras.ops.ones((1, 8, 8, 3))).shape
    TensorShape([1, 4, 4, 16])

    Reference:

    - [Zoph et al., 2018](https://arxiv.org/abs/1707.07012)
    """

    def __init__(self, filters, kernel_size=7, **kwargs):
        super().__init__(filters, **kwargs)
        self.kernel_size = kernel_size
        layers = []
        for axis in (1, 0):
            sides, strides, padding = [1, 1], [1, 1], [0, 0]
            sides[axis], strides[axis] = kernel_size, self.strides
            padding[axis] = kernel_size // 2
            layers += [
                keras.layers.ZeroPadding2D(
                    tuple(padding), dtype=self.dtype_policy, **LAYOUT
                ),
                conv(filters, sides, tuple(strides), self.dtype_policy),
            ]
        self.add_block(*layers)

    def get_config(self):
        own = {"kernel_size": self.kernel_size} if self.kernel_size != 7 else {}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="tfdarts")
class FactorizedReduce(keras.layers.Layer):
    """Halves height and width with two 1x1 convolutions, one pixel apart.

    This layer is `skip_connect` at stride 2, and a cell's preprocessing after
    a reduction cell. On odd sizes, where the authors' code fails, the second
    convolution gets one row and one column of zeros.

    Args:
        filters: Integer, at least `2`: output channels, half from each
            convolution.
        affine: Boolean, whether batch normalization has a trainable scale
            and offset. Defaults to `True`.

    Input shape:
        4D tensor `(batch, height, width, channels)`.

    Output shape:
        4D tensor `(batch, height / 2, width / 2, filters)`, rounded up.

    Example:

    >>> FactorizedReduce(16)(keras.ops.ones((1, 7, 7, 3))).shape
    TensorShape([1, 4, 4, 16])

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055)
    """

    def __init__(self, filters, affine=True, **kwargs):
        super().__init__(**kwargs)
        if filters < 2:
            raise ValueError(
                "`filters` must be at least 2, because each of two "
                "convolutions makes half of the filters. Received: "
                f"filters={filters}."
            )
        self.filters = filters
        self.affine = affine
        dtype = self.dtype_policy
        self.relu = keras.layers.ReLU(dtype=dtype)
        self.even = Subsample(dtype=dtype)
        self.odd = Subsample(offset=1, dtype=dtype)
        self.even_conv = conv(filters // 2, 1, dtype=dtype)
        self.odd_conv = conv(filters - filters // 2, 1, dtype=dtype)
        self.batch_norm = BatchNorm(affine, dtype=dtype)

    def build(self, input_shape):
        for layer in (self.relu, self.even, self.odd):
            layer.build(input_shape)
        half = self.even.compute_output_shape(input_shape)
        self.even_conv.build(half)
        self.odd_conv.build(half)
        self.batch_norm.build((*half[:-1], self.filters))

    def call(self, inputs, training=None):
        active = self.relu(inputs)
        halves = [
            self.even_conv(self.even(active)),
            self.odd_conv(self.odd(active)),
        ]
        return self.batch_norm(
            keras.ops.concatenate(halves, axis=-1), training=training
        )

    def compute_output_shape(self, input_shape):
        return (*self.even.compute_output_shape(input_shape)[:-1], self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "affine": self.affine,
        }
