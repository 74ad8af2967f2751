"""DenseNet-BC, the hand-designed baseline of image classification."""

import keras

from tfdarts.layers.batch_norm import BatchNorm
from tfdarts.layers.convolutions import LAYOUT
from tfdarts.models import skeleton

NUM_BLOCKS = 3


def densenet_bc(
    depth,
    growth_rate,
    num_classes,
    input_shape,
    name="densenet_bc",
    dtype=None,
):
    """Returns DenseNet-BC for small images, a functional Keras model.

    The network has three blocks. In each block, the input of a layer is the
    concatenation of all earlier outputs. A layer is a 1x1 convolution to four
    times the growth rate and a 3x3 convolution to the growth rate, each after
    batch normalization and ReLU. Between two blocks, channels, height and
    width are halved.

    Args:
        depth: Integer, 6 n + 4 for n layers per block: the number of
            consecutive convolutions, plus the classifier.
        growth_rate: Integer, channels that each layer adds.
        num_classes: Integer.
        input_shape: Tuple `(height, width, channels)`.
        name: String.
        dtype: Dtype or `keras.DTypePolicy` of all layers.

    Returns:
        A `keras.Model` from images to logits.

    Raises:
        ValueError: If no DenseNet-BC has this depth or growth rate.

    Example:

    >>> network = densenet_bc(100, 12, 10, (32, 32, 3))
    >>> sum(int(keras.ops.size(w)) for w in network.trainable_weights)
    769162

    Reference:

    - [Huang et al., 2017](https://arxiv.org/abs/1608.06993)
    """
    layers_per_block, rest = divmod(depth - 4, 2 * NUM_BLOCKS)
    if rest or layers_per_block < 1 or growth_rate < 1:
        raise ValueError(
            f"A DenseNet-BC has depth 6 n + 4, such as 40 or 100, and a "
            f"positive growth rate. Received: depth={depth}, "
            f"growth_rate={growth_rate}."
        )
    image_shape = skeleton.validate_image_shape(input_shape)
    num_classes = skeleton.validate_num_classes(num_classes)
    dtype = keras.dtype_policies.get(dtype)

    def conv(inputs, filters, kernel_size):
        return keras.layers.Conv2D(
            filters,
            kernel_size,
            padding="same",
            use_bias=False,
            kernel_initializer=_he_fan_out(),
            dtype=dtype,
            **LAYOUT,
        )(inputs)

    def activate(inputs):
        normalized = BatchNorm(dtype=dtype)(inputs)
        return keras.layers.ReLU(dtype=dtype)(normalized)

    images = keras.Input(image_shape, dtype=dtype.variable_dtype, name="images")
    outputs = conv(images, 2 * growth_rate, 3)
    for block in range(NUM_BLOCKS):
        if block:
            outputs = conv(activate(outputs), outputs.shape[-1] // 2, 1)
            outputs = keras.layers.AveragePooling2D(2, dtype=dtype, **LAYOUT)(
                outputs
            )
        for _ in range(layers_per_block):
            narrow = conv(activate(outputs), 4 * growth_rate, 1)
            added = conv(activate(narrow), growth_rate, 3)
            outputs = keras.layers.Concatenate(dtype=dtype)([outputs, added])
    pooled = keras.layers.GlobalAveragePooling2D(dtype=dtype, **LAYOUT)(
        activate(outputs)
    )
    logits = skeleton.classifier(
        pooled.shape[-1],
        num_classes,
        name="classifier",
        dtype=dtype.variable_dtype,
    )(pooled)
    network = keras.Model(images, logits, name=name)
    network.dtype_policy = dtype
    return network


def _he_fan_out():
    """Returns the authors' initializer: N(0, 2 / (k k filters))."""
    return keras.initializers.VarianceScaling(
        scale=2.0, mode="fan_out", distribution="untruncated_normal"
    )
