"""Stems: the layers before the first cell."""

import keras

from tfdarts.layers.batch_norm import BatchNorm
from tfdarts.layers.convolutions import LAYOUT
from tfdarts.layers.convolutions import conv

STEMS = ("cifar", "imagenet")

LARGE = 128
"""Shorter side in pixels from which `"auto"` is the stem of ImageNet."""


def stem_for(image_shape, stem="auto"):
    """Returns the name of the stem for images of a shape.

    Args:
        image_shape: Tuple `(height, width, channels)`.
        stem: String, `"cifar"`, `"imagenet"`, or `"auto"`, which is
            `"imagenet"` if both sides have at least 128 pixels.

    Raises:
        ValueError: If the stem is unknown, or the images are too small.

    Example:

    >>> stem_for((32, 32, 3)), stem_for((224, 224, 3))
    ('cifar', 'imagenet')
    """
    side = min(image_shape[:2])
    if stem == "auto":
        return "imagenet" if side >= LARGE else "cifar"
    if stem not in STEMS:
        raise ValueError(
            f"The stem must be auto or one of {', '.join(STEMS)}. "
            f"Received: {stem!r}."
        )
    if stem == "imagenet" and side < 32:
        raise ValueError(
            "The stem of ImageNet makes images 8 times smaller, so they must "
            "be at least 32 pixels high and wide. Received: "
            f"{image_shape[0]}x{image_shape[1]}. Use the stem of CIFAR."
        )
    return stem


def cifar_stem(images, filters, dtype):
    """Returns the output of a 3x3 convolution, twice, for the first cell.

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section A.2.1
    """
    outputs = conv(filters, 3, dtype=dtype)(images)
    outputs = BatchNorm(name="stem", dtype=dtype)(outputs)
    return outputs, outputs


def imagenet_stem(images, filters, dtype):
    """Returns feature maps of a quarter and of an eighth of the image size.

    The stem has three 3x3 convolutions of stride 2. The two inputs of the
    first cell differ in size, as after a reduction cell.

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section A.2.3
    """

    if filters < 2:
        raise ValueError(
            f"The stem of ImageNet begins with half of the channels, so it "
            f"needs at least 2. Received: init_channels={filters}."
        )

    def activate(inputs):
        return keras.layers.ReLU(dtype=dtype)(inputs)

    def halve(inputs, filters, name):
        padded = keras.layers.ZeroPadding2D(1, dtype=dtype, **LAYOUT)(inputs)
        outputs = conv(filters, 3, strides=2, dtype=dtype)(padded)
        return BatchNorm(name=name, dtype=dtype)(outputs)

    half = halve(images, filters // 2, "stem_half")
    quarter = halve(activate(half), filters, "stem_quarter")
    eighth = halve(activate(quarter), filters, "stem_eighth")
    return quarter, eighth
