"""A trained network with its preprocessing: from pixels to probabilities."""

import keras
import numpy as np


def classifier(network, scale=1 / 255, mean=0.0, std=1.0, image_size=None):
    """Returns `with_preprocessing` of a network, computed in float32.

    Half precision is for training on accelerators, and costs time on the CPUs
    that many servers have. A network in another precision is cloned.

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
    """Returns a Keras model that takes raw pixels and gives probabilities.

    It prepares the images as `(images * scale - mean) / std`. The network is
    one of its layers, under its own name.

    Args:
        network: A built Keras model, from prepared images of shape `(height,
            width, channels)` to logits. Images have 1 or 3 channels.
        scale: Float, or a sequence of one float for each channel, which the
            pixels are multiplied by.
        mean: Like `scale`, what is then subtracted.
        std: Like `scale`, what the difference is then divided by.
        image_size: Tuple `(height, width)` of the images that are taken, of
            which the network sees the centre. Defaults to what the network
            sees.

    Returns:
        A functional `keras.Model` from `images`, pixels from 0 to 255, to a
        dict of `probabilities`, `(batch, num_classes)`.

    Raises:
        ValueError: If the network has other inputs or outputs, or `scale`,
            `mean`, `std` or `image_size` do not fit it.

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
    scale = _checked_numbers("scale", scale, channels)
    mean = _checked_numbers("mean", mean, channels)
    std = _checked_numbers("std", std, channels)
    if np.any(std <= 0):
        raise ValueError(
            f"`std` must be positive, because the images are divided by it. "
            f"Received: {std.tolist()}."
        )
    size = _checked_size(image_size, height, width)
    images = keras.Input((*size, channels), dtype="float32", name="images")
    # Keras' CenterCrop would put all that follows into training mode.
    x = keras.layers.Cropping2D(
        [_margins(size[0], height), _margins(size[1], width)],
        data_format="channels_last",
        dtype="float32",
    )(images)
    # Of three axes, or Keras would take a global channels_first for that of
    # these images.
    x = keras.layers.Rescaling(
        [[(scale / std).tolist()]], [[(-mean / std).tolist()]], dtype="float32"
    )(x)
    logits = network(x)
    probabilities = keras.layers.Softmax(dtype="float32")(logits)
    model = keras.Model(images, {"probabilities": probabilities})
    # Not the global policy.
    model.dtype_policy = keras.DTypePolicy("float32")
    return model


def _image_shape(network):
    input_shape = getattr(network, "input_shape", None)
    output_shape = getattr(network, "output_shape", None)
    match input_shape, output_shape:
        case (_, int(), int(), 1 | 3), (_, int()):
            return input_shape[1:]
    raise ValueError(
        f"Only a built network can be exported that leads from images of one "
        f"size with 1 or 3 channels, (batch, height, width, channels), to "
        f"logits, (batch, num_classes). This one leads from {input_shape} to "
        f"{output_shape}."
    )


def _checked_numbers(name, values, channels):
    values = np.asarray(values, "float64")
    if values.shape not in ((), (channels,)) or not np.all(np.isfinite(values)):
        raise ValueError(
            f"`{name}` must be a finite number, or {channels} of them, one "
            f"for each channel. Received: {values.tolist()}."
        )
    return np.broadcast_to(values, (channels,))


def _checked_size(image_size, height, width):
    size = tuple(image_size or (height, width))
    if len(size) != 2 or size[0] < height or size[1] < width:
        raise ValueError(
            f"`image_size` must be (height, width), at least what the network "
            f"sees, {height}x{width}. Received: {image_size}."
        )
    return size


def _margins(taken, seen):
    before = (taken - seen) // 2
    return before, taken - seen - before


def _in_float32(network):
    """Returns a network that computes in float32, with the same weights."""
    computed = {
        layer.compute_dtype
        for layer in network._flatten_layers()
        # Which computes nothing, and has the global policy.
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
