"""The auxiliary head, a second classifier that helps to train a network."""

import keras

from tfdarts.layers.batch_norm import BatchNorm
from tfdarts.layers.convolutions import LAYOUT
from tfdarts.layers.convolutions import conv
from tfdarts.models import skeleton
from tfdarts.models.on_devices import OnDevices
from tfdarts.models.quantized import quantize_layers
from tfdarts.models.quantized import quantized_layers

PUBLISHED = {"cifar": ((8, 8), 3), "imagenet": ((7, 7), 2)}
"""For each stem, the input size and the pooling stride of the published head.
"""


@keras.saving.register_keras_serializable(package="tfdarts")
class WithAuxiliaryHead(OnDevices, keras.Model):
    """A network with an auxiliary head, for training.

    The training loss is the network's loss plus `weight` times the head's
    loss. In validation, loss and metrics are the network's. The weights of
    `network` are trained in place, so keep `network` after training.

    On feature maps of 8x8, or of 7x7 with the stem of ImageNet, the head is
    the published one. Feature maps of other sizes are pooled adaptively to
    2x2, so that the head has the same weights for any image size. With the
    stem of ImageNet, the authors omit the second batch normalization.

    Args:
        network: `CNNNetwork`.
        weight: Float, the weight of the head's loss. Defaults to `0.4`.

    Raises:
        ValueError: If the images are too small for the head.

    Example:

    >>> network = tfdarts.CNNNetwork(
    ...     tfdarts.genotypes.get("DARTS_V2"), 36, 20, 10, (32, 32, 3)
    ... )
    >>> model = WithAuxiliaryHead(network)
    >>> def count(model):
    ...     return sum(int(keras.ops.size(w)) for w in model.trainable_weights)
    >>> count(model) - count(network)
    476426

    Reference:

    - [Szegedy et al., 2015](https://arxiv.org/abs/1409.4842)
    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section A.2.1
    """

    def __init__(self, network, weight=0.4, **kwargs):
        require_size_for_head(network.image_shape, network.stem)
        auxiliary = _head(network.two_thirds, network)
        super().__init__(
            network.inputs[0], [network.outputs[0], auxiliary], **kwargs
        )
        self.dtype_policy = network.dtype_policy
        self.network = network
        self.weight = weight

    def compute_loss(self, x, y, y_pred, sample_weight=None, training=True):
        logits, auxiliary = y_pred
        compute_loss = super().compute_loss
        loss = compute_loss(x, y, logits, sample_weight, training)
        if training:
            loss += self.weight * compute_loss(
                x, y, auxiliary, sample_weight, training
            )
        return loss

    def get_config(self):
        return {
            "network": keras.saving.serialize_keras_object(self.network),
            "weight": self.weight,
            "name": self.name,
            **quantized_layers(self),
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        network = keras.saving.deserialize_keras_object(config.pop("network"))
        quantized = config.pop("quantized_layers", {})
        return quantize_layers(cls(network, **config), quantized)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return super().compute_metrics(x, y, y_pred[0], sample_weight)


def require_size_for_head(image_shape, stem):
    """Raises `ValueError` if images are too small for an auxiliary head.

    Args:
        image_shape: Tuple `(height, width, channels)`.
        stem: String, `"cifar"` or `"imagenet"`.
    """
    reduction = {"cifar": 4, "imagenet": 32}[stem]
    height, width, _ = image_shape
    if min(height, width) <= reduction:
        raise ValueError(
            "The auxiliary head needs feature maps of at least 2x2 pixels, so "
            f"with --stem={stem} images of at least {reduction + 1} pixels a "
            f"side. Received images of {height}x{width}. Give "
            "--auxiliary_weight=0, or enlarge the images by --image_size."
        )


def _head(inputs, network):
    """Returns the logits of the head on a feature map."""
    dtype = network.dtype_policy

    def activate(inputs):
        return keras.layers.ReLU(dtype=dtype)(inputs)

    def normalize(inputs):
        return BatchNorm(dtype=dtype)(inputs)

    pooled = _pooling(inputs.shape[1:3], network.stem, dtype)(activate(inputs))
    outputs = activate(normalize(conv(128, 1, dtype=dtype)(pooled)))
    outputs = conv(768, 2, padding="valid", dtype=dtype)(outputs)
    if network.stem == "cifar":
        outputs = normalize(outputs)
    outputs = activate(outputs)
    outputs = keras.layers.Flatten(dtype=dtype, **LAYOUT)(outputs)
    return skeleton.classifier(
        768, network.num_classes, name="auxiliary", dtype=dtype.variable_dtype
    )(outputs)


def _pooling(size, stem, dtype):
    """Returns the pooling layer whose output is 2x2."""
    published, strides = PUBLISHED[stem]
    if tuple(size) == published:
        return keras.layers.AveragePooling2D(
            5, strides=strides, dtype=dtype, **LAYOUT
        )
    return keras.layers.AdaptiveAveragePooling2D(2, dtype=dtype, **LAYOUT)
