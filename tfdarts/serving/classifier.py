"""A classifier: a trained network with its preprocessing and softmax."""

import keras
import numpy as np

from tfdarts.layers.nested import nested_layers


def classifier(network, scale=1 / 255, mean=0.0, std=1.0, image_size=None):
    """Returns `with_preprocessing` of a network, computed in float32.

    Half precision is for training on accelerators; on the CPUs of many
    servers it is slower. A network in another precision is cloned.

    Args:
        network, scale, mean, std, image_size: See `with_preprocessing`.

    Returns:
        A functional `keras.Model` from `images`, pixels from 0 to 255, to a
        dict of `probabilities`, `(batch, num_classes)`.
    """
    return with_preprocessing(
        _in_float32(network), scale, mean, std, image_size
    )


def with_preprocessing(
    network, scale=1 / 255, mean=0.0, std=1.0, image_size=None
):
    """Returns a Keras model from raw pixels to probabilities.

    The model normalizes images as `(images * scale - mean) / std`. The
    network is one of its layers, under its own name.

    Args:
        network: A built Keras model, from normalized images of shape
            `(height, width, channels)` to logits. Images have 1 or 3 channels.
        scale: Float, or a sequence of one float per channel: the factor of
            the pixels.
        mean: Like `scale`, subtracted after scaling.
        std: Like `scale`, the divisor of the difference.
        image_size: Tuple `(height, width)` of the input images, whose center
            the network gets. Defaults to the network's input size.

    Returns:
        A functional `keras.Model` from `images`, pixels from 0 to 255, to a
        dict of `probabilities`, `(batch, num_classes)`.

    Raises:
        ValueError: If the network has other inputs or outputs, or does not
            fit `scale`, `mean`, `std` or `image_size`.

    Example:

    >>> network = keras.Sequential(
    ...     [
    ...         keras.Input((8, 8, 1)),
    ...         keras.layers.Flatten(),
    ...         keras.layers.Dense(2),
    ...     ]
    ... )
    >>> model = with_preprocessing(network, mean=0.5, std=0.25)
    >>> model(keras.ops.zeros((3, 8, 8, 1)))["probabilities"].shape
    TensorShape([3, 2])
    """
    height, width, channels = _image_shape(network)
    scale = _validate_numbers("scale", scale, channels)
    mean = _validate_numbers("mean", mean, channels)
    std = _validate_numbers("std", std, channels)
    if np.any(std <= 0):
        raise ValueError(
            f"`std` must be positive, because the images are divided by it. "
            f"Received: {std.tolist()}."
        )
    size = _validate_size(image_size, height, width)
    images = keras.Input((*size, channels), dtype="float32", name="images")
    # Keras' CenterCrop would put all later layers into training mode.
    x = keras.layers.Cropping2D(
        [_margins(size[0], height), _margins(size[1], width)],
        data_format="channels_last",
        dtype="float32",
    )(images)
    # With three axes, because Keras would apply a global channels_first
    # setting to a scale with one axis.
    x = keras.layers.Rescaling(
        [[(scale / std).tolist()]], [[(-mean / std).tolist()]], dtype="float32"
    )(x)
    logits = network(x)
    probabilities = keras.layers.Softmax(dtype="float32")(logits)
    model = keras.Model(images, {"probabilities": probabilities})
    # Otherwise the model would have the global policy.
    model.dtype_policy = keras.DTypePolicy("float32")
    return model


def _image_shape(network):
    input_shape = getattr(network, "input_shape", None)
    output_shape = getattr(network, "output_shape", None)
    match input_shape, output_shape:
        case (_, int(), int(), 1 | 3), (_, int()):
            return input_shape[1:]
    raise ValueError(
        "Only a built network can be exported that maps images of one size "
        "with 1 or 3 channels, (batch, height, width, channels), to logits, "
        f"(batch, num_classes). This network maps {input_shape} to "
        f"{output_shape}."
    )


def _validate_numbers(name, values, channels):
    values = np.asarray(values, "float64")
    if values.shape not in ((), (channels,)) or not np.all(np.isfinite(values)):
        raise ValueError(
            f"`{name}` must be a finite number, or {channels} of them, one "
            f"for each channel. Received: {values.tolist()}."
        )
    return np.broadcast_to(values, (channels,))


def _validate_size(image_size, height, width):
    size = tuple(image_size or (height, width))
    if len(size) != 2 or size[0] < height or size[1] < width:
        raise ValueError(
            "`image_size` must be (height, width), at least the size that the "
            f"network takes, {height}x{width}. Received: {image_size}."
        )
    return size


def _margins(taken, seen):
    before = (taken - seen) // 2
    return before, taken - seen - before


def _in_float32(network):
    """Returns a network that computes in float32, with the same weights."""
    computed = {
        layer.compute_dtype
        for layer in nested_layers(network)
        # Input layers compute nothing, and have the global policy.
        if not isinstance(layer, keras.layers.InputLayer)
    }
    if computed <= {"float32"}:
        return network
    twin = keras.models.clone_model(network, clone_function=_layer_in_float32)
    for variable, value in zip(twin.weights, network.weights, strict=True):
        variable.assign(value)
    return twin


def _layer_in_float32(layer):
    return type(layer).from_config({**layer.get_config(), "dtype": "float32"})
