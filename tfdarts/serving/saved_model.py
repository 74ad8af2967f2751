"""SavedModel: a network, its preprocessing and its labels in one graph."""

import pathlib
import tempfile

import keras
import numpy as np
import tensorflow as tf

from tfdarts.serving.decoding import decode_images


def export_saved_model(
    network,
    path,
    labels,
    scale=1 / 255,
    mean=0.0,
    std=1.0,
    image_size=None,
    image_fit="stretch",
    extra_files=None,
):
    """Writes the next version of a network for TF Serving.

    The graph takes raw pixels, prepares them as `(images * scale - mean) /
    std`, and names the class it finds; whoever loads it needs TensorFlow
    alone. It has two signatures:

    - `serving_default` takes `images`: float32, `(batch, height, width,
      channels)`, pixels from 0 to 255.
    - `serving_bytes` takes `image_bytes`: strings, each the content of an
      image file; see `tfdarts.serving.decoding.decode_images`.

    Both return `probabilities` (float32, `(batch, num_classes)`), `class_id`
    (int64) and `label` (string).

    The labels are in the graph, and for people in `assets/labels.txt`. A
    network in mixed precision is served in float32.

    A version appears in `path` whole or not at all, so a server may watch
    the directory meanwhile.

    Args:
        network: A built Keras model, from prepared images of shape `(height,
            width, channels)` to logits. Images have 1 or 3 channels.
        path: The directory of all versions. It is made if need be.
        labels: List of strings, the names of the classes in order.
        scale: Float, or a sequence of one float for each channel, which the
            pixels are multiplied by.
        mean: Like `scale`, what is then subtracted.
        std: Like `scale`, what the difference is then divided by.
        image_size: Tuple `(height, width)` of the images that are taken, of
            which the network sees the centre. Defaults to what the network
            sees.
        image_fit: String, what is resized of an encoded image: all of it,
            `"stretch"`, or the largest square about its centre, `"crop"`.
        extra_files: Dict of bytes by relative path: what shall lie beside
            the graph, such as a model card.

    Returns:
        The `pathlib.Path` of the new version, `<path>/<integer>`.

    Raises:
        ValueError: If the network has other inputs or outputs, or `labels`,
            `scale`, `mean`, `std` or `image_size` do not fit it.

    Example:

    >>> network = keras.Sequential(
    ...     [
    ...         keras.Input((8, 8, 1)),
    ...         keras.layers.Flatten(),
    ...         keras.layers.Dense(2),
    ...     ]
    ... )
    >>> with tempfile.TemporaryDirectory() as path:
    ...     export_saved_model(network, path, labels=["cat", "dog"]).name
    '1'

    Reference:

    - [The SavedModel format](https://www.tensorflow.org/guide/saved_model)
    """
    image_shape, num_classes = _network_shapes(network)
    labels = _checked_labels(labels, num_classes)
    scale = _checked_numbers("scale", scale, image_shape[-1])
    mean = _checked_numbers("mean", mean, image_shape[-1])
    std = _checked_numbers("std", std, image_shape[-1])
    if np.any(std <= 0):
        raise ValueError(
            f"`std` must be positive, because the images are divided by it. "
            f"Received: {std.tolist()}."
        )

    height, width, channels = image_shape
    taken_shape = _checked_size(image_size, height, width) + (channels,)
    top, left = (taken_shape[0] - height) // 2, (taken_shape[1] - width) // 2

    network = _in_float32(network)

    def serve(images):
        images = images[:, top : top + height, left : left + width]
        logits = network((images * scale - mean) / std, training=False)
        return _answer(logits, labels)

    def serve_bytes(image_bytes):
        return serve(decode_images(image_bytes, taken_shape, image_fit))

    archive = keras.export.ExportArchive()
    archive.add_endpoint(
        "serving_default",
        serve,
        [tf.TensorSpec((None, *taken_shape), tf.float32, "images")],
    )
    archive.add_endpoint(
        "serving_bytes",
        serve_bytes,
        [tf.TensorSpec((None,), tf.string, "image_bytes")],
    )
    files = {
        "assets/labels.txt": "".join(f"{x}\n" for x in labels).encode(),
        **(extra_files or {}),
    }
    return _write_version(archive, files, pathlib.Path(path))


def _answer(logits, labels):
    probabilities = tf.nn.softmax(logits)
    class_id = tf.argmax(probabilities, axis=-1)
    return {
        "probabilities": probabilities,
        "class_id": class_id,
        "label": tf.gather(tf.constant(labels), class_id),
    }


def _in_float32(network):
    """Returns a network that computes in float32, with the same weights.

    Half precision is for training on accelerators; on the CPUs that many
    servers have it costs time.
    """
    computed = {layer.compute_dtype for layer in network._flatten_layers()}
    if computed <= {"float32"}:
        return network
    twin = keras.models.clone_model(network, clone_function=_layer_in_float32)
    for variable, value in zip(twin.weights, network.weights, strict=True):
        variable.assign(value)
    return twin


def _layer_in_float32(layer):
    return type(layer).from_config({**layer.get_config(), "dtype": "float32"})


def _write_version(archive, files, path):
    path.mkdir(parents=True, exist_ok=True)
    # A server takes no directory for a version whose name is not an integer.
    with tempfile.TemporaryDirectory(dir=path, prefix=".exporting-") as aside:
        # One directory deeper, because the temporary one is private to its
        # owner, and a server often runs as somebody else.
        written = pathlib.Path(aside, "model")
        archive.write_out(written, verbose=False)
        for name, content in files.items():
            file = written / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        version = 1 + max(saved_versions(path), default=0)
        return written.rename(path / str(version))


def saved_versions(path):
    """Returns the integers of the versions in a directory, in order."""
    path = pathlib.Path(path)
    names = [entry.name for entry in path.iterdir()] if path.exists() else []
    return sorted(int(name) for name in names if name.isdecimal())


def _network_shapes(network):
    input_shape = getattr(network, "input_shape", None)
    output_shape = getattr(network, "output_shape", None)
    match input_shape, output_shape:
        case (_, int(), int(), 1 | 3), (_, int()):
            return input_shape[1:], output_shape[1]
    raise ValueError(
        f"Only a built network can be exported that leads from images of one "
        f"size with 1 or 3 channels, (batch, height, width, channels), to "
        f"logits, (batch, num_classes). This one leads from {input_shape} to "
        f"{output_shape}."
    )


def _checked_size(image_size, height, width):
    size = tuple(image_size or (height, width))
    if len(size) != 2 or size[0] < height or size[1] < width:
        raise ValueError(
            f"`image_size` must be (height, width), at least what the network "
            f"sees, {height}x{width}. Received: {image_size}."
        )
    return size


def _checked_labels(labels, num_classes):
    labels = [labels] if isinstance(labels, str) else list(labels)
    if not all(isinstance(label, str) for label in labels):
        raise ValueError(f"`labels` must be strings. Received: {labels}.")
    if len(labels) != num_classes:
        raise ValueError(
            f"`labels` must name each of the network's {num_classes} classes. "
            f"Received {len(labels)} labels."
        )
    return labels


def _checked_numbers(name, values, channels):
    values = np.asarray(values, "float32")
    if values.shape not in ((), (channels,)) or not np.all(np.isfinite(values)):
        raise ValueError(
            f"`{name}` must be a finite number, or {channels} of them, one "
            f"for each channel. Received: {values.tolist()}."
        )
    return values
