"""Exporting a classifier as a SavedModel with preprocessing and labels."""

import os
import pathlib
import tempfile
from collections.abc import Mapping
from collections.abc import Sequence

import keras
import tensorflow as tf

from tfdarts.arguments import as_path
from tfdarts.characters import has_unusable_characters
from tfdarts.decoding import decode_images
from tfdarts.serving.classifier import classifier


def export_saved_model(
    network: keras.Model,
    path: str | os.PathLike,
    labels: Sequence[str],
    scale: float = 1 / 255,
    mean: float | Sequence[float] = 0.0,
    std: float | Sequence[float] = 1.0,
    image_size: int | None = None,
    image_fit: str = "stretch",
    extra_files: Mapping[str, bytes] | None = None,
    version: int | None = None,
) -> pathlib.Path:
    """Writes the next version of a network for TF Serving.

    The graph takes raw pixels, normalizes them as `(images * scale - mean) /
    std`, and names the predicted class. Only TensorFlow is needed to load it.
    It has three signatures:

    - `serving_default` takes `images`: float32, `(batch, height, width,
      channels)`, pixels from 0 to 255.
    - `serving_bytes` takes `image_bytes`: strings, each the content of an
      image file; see `tfdarts.decoding.decode_images`.

    Both return `probabilities` (float32, `(batch, num_classes)`), `class_id`
    (int64) and `label` (string).

    - `class_labels` takes `class_id`: int64, `(batch,)`, and returns the
      `label` of each, which names the entries of `probabilities`.

    The labels are in the graph, and for people in `assets/labels.txt`. A
    network in mixed precision is served in float32.

    A version appears in `path` atomically, so a server may watch the
    directory.

    Args:
        network, scale, mean, std, image_size: See
            `tfdarts.serving.classifier.classifier`.
        path: The directory of all versions. It is created if missing.
        labels: List of strings, the names of the classes in order.
        image_fit: String, how encoded images become squares: `"stretch"`, or
            `"crop"` to the largest square in the center.
        extra_files: Dict of bytes by relative path: files to write beside
            the graph, such as a model card.
        version: Integer. Defaults to `next_version(path)`.

    Returns:
        The `pathlib.Path` of the new version, `<path>/<integer>`.

    Raises:
        ValueError: If the network has other inputs or outputs, or does not
            fit `labels`, `scale`, `mean`, `std` or `image_size`.

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
    model = classifier(network, scale, mean, std, image_size)
    labels = _validate_labels(labels, model.outputs[0].shape[-1])
    image_shape = model.input_shape[1:]

    def serve(images):
        # A graph that is fed directly does not check its signature's shape.
        images = tf.ensure_shape(images, (None, *image_shape))
        probabilities = model(images, training=False)["probabilities"]
        class_id = tf.argmax(probabilities, axis=-1)
        return {
            "probabilities": probabilities,
            "class_id": class_id,
            "label": tf.gather(tf.constant(labels), class_id),
        }

    def serve_bytes(image_bytes):
        images = decode_images(image_bytes, image_shape, image_fit)
        return serve(tf.cast(images, tf.float32))

    def class_labels(class_id):
        return {"label": tf.gather(tf.constant(labels), class_id)}

    archive = keras.export.ExportArchive()
    archive.add_endpoint(
        "class_labels",
        class_labels,
        [tf.TensorSpec((None,), tf.int64, "class_id")],
    )
    archive.add_endpoint(
        "serving_default",
        serve,
        [tf.TensorSpec((None, *image_shape), tf.float32, "images")],
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
    return write_version(archive, files, as_path(path), version)


def write_version(archive, files, path, version=None):
    """Writes an archive and further files as a version, atomically.

    Args:
        archive: `keras.export.ExportArchive`.
        files: Dict of bytes by relative path, files beside the graph.
        path: The directory of all versions, a `pathlib.Path`.
        version: Integer. Defaults to `next_version(path)`.

    Returns:
        The path of the version.
    """
    path.mkdir(parents=True, exist_ok=True)
    # A server ignores directories whose names are not integers.
    with tempfile.TemporaryDirectory(dir=path, prefix=".exporting-") as aside:
        # One directory deeper, because only the owner may read a temporary
        # directory, and a server often runs as another user.
        written = pathlib.Path(aside, "model")
        archive.write_out(written, verbose=False)
        for name, content in files.items():
            file = written / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        return written.rename(path / str(version or next_version(path)))


def saved_versions(path):
    """Returns the version numbers in a directory, sorted."""
    return sorted(
        int(entry.name)
        for entry in _entries(path)
        if entry.name.isdecimal() and (entry / "saved_model.pb").exists()
    )


def next_version(path):
    """Returns the first integer above all exported version numbers.

    Both SavedModel directories and files of other formats count.

    Example:

    >>> with tempfile.TemporaryDirectory() as path:
    ...     pathlib.Path(path, "3").mkdir()
    ...     pathlib.Path(path, "7.onnx").touch()
    ...     next_version(path)
    8
    """
    numbers = [entry.name.partition(".")[0] for entry in _entries(path)]
    return 1 + max((int(n) for n in numbers if n.isdecimal()), default=0)


def _entries(path):
    path = pathlib.Path(path)
    return list(path.iterdir()) if path.is_dir() else []


def _validate_labels(labels, num_classes):
    labels = [labels] if isinstance(labels, str) else list(labels)
    if not all(isinstance(label, str) for label in labels):
        raise ValueError(f"`labels` must be strings. Received: {labels}.")
    unfit = [*filter(has_unusable_characters, labels)]
    if unfit:
        raise ValueError(
            "`labels` must have no control characters and be UTF-8, because "
            f"they become lines of assets/labels.txt. Received: {unfit[0]!r}."
        )
    if len(labels) != num_classes:
        raise ValueError(
            f"`labels` must name each of the network's {num_classes} classes. "
            f"Received {len(labels)} labels."
        )
    return labels
