"""Convolutions that batch normalization and ReLU follow."""

import keras

from tfdarts.layers.batch_norm import BatchNorm
from tfdarts.layers.convolutions import LAYOUT
from tfdarts.layers.convolutions import ConvolutionalPrimitive
from tfdarts.layers.convolutions import conv
from tfdarts.layers.convolutions import separable_conv
from tfdarts.layers.convolutions import uniform_fan_in


@keras.saving.register_keras_serializable(package="tfdarts")
class ConvBNReLU(ConvolutionalPrimitive):
    """Convolution, batch normalization and ReLU, in cells of motifs.

    Args:
        filters: Integer, output channels. A depthwise convolution keeps the
            channels of its input.
        kernel_size: Odd integer. Defaults to `1`.
        kind: String, the convolution: `"full"`, `"depthwise"`, or
            `"separable"` (a depthwise and a 1x1 convolution). Defaults to
            `"full"`.
        strides: Integer, `1` or `2`. Defaults to `1`.
        affine: Boolean, whether batch normalization has a trainable scale
            and offset. Defaults to `True`.

    Example:

    >>> ConvBNReLU(16)(keras.ops.ones((1, 8, 8, 3))).shape
    TensorShape([1, 8, 8, 16])
    >>> layer = ConvBNReLU(16, 3, "separable", strides=2)
    >>> layer(keras.ops.ones((1, 8, 8, 3))).shape
    TensorShape([1, 4, 4, 16])

    Reference:

    - [Liu et al., 2018](https://arxiv.org/abs/1711.00436), section 2.3
    """

    def __init__(self, filters, kernel_size=1, kind="full", **kwargs):
        super().__init__(filters, **kwargs)
        self.kernel_size = kernel_size
        self.kind = kind
        self.layers_in_order += [
            *self._convolution(),
            BatchNorm(self.affine, dtype=self.dtype_policy),
            keras.layers.ReLU(dtype=self.dtype_policy),
        ]

    def _convolution(self):
        """Returns the layers of the convolution, which has no bias."""
        dtype, strides = self.dtype_policy, self.strides
        if self.kind == "separable":
            return separable_conv(
                self.filters, self.kernel_size, strides, 1, dtype
            )
        padding = []
        if strides == 2:
            # TensorFlow's own padding would shift the output by one pixel.
            padding.append(
                keras.layers.ZeroPadding2D(
                    self.kernel_size // 2, dtype=dtype, **LAYOUT
                )
            )
        if self.kind == "full":
            layer = conv(self.filters, self.kernel_size, strides, dtype)
        elif self.kind == "depthwise":
            layer = keras.layers.DepthwiseConv2D(
                self.kernel_size,
                strides=strides,
                padding="same" if strides == 1 else "valid",
                use_bias=False,
                depthwise_initializer=uniform_fan_in(),
                dtype=dtype,
                **LAYOUT,
            )
        else:
            raise ValueError(
                "`kind` must be 'full', 'depthwise' or 'separable'. Received: "
                f"{self.kind!r}."
            )
        return [*padding, layer]

    def get_config(self):
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "kind": self.kind,
        }
