"""Training, prediction and SavedModel see the same pixels of a file."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from image_samples import COLOR_KINDS
from image_samples import GREY_KINDS
from image_samples import HEIGHT
from image_samples import WIDTH
from image_samples import as_pillow_sees

from tfdarts.data.folder import open_folder
from tfdarts.runs.predict import predict
from tfdarts.serving.saved_model import export_saved_model


def export_teller(directory, shape, fit):
    """Exports a network whose probabilities tell every pixel."""
    layers = [keras.Input(shape), keras.layers.Flatten()]
    labels = [f"pixel {number}" for number in range(np.prod(shape))]
    return export_saved_model(
        keras.Sequential(layers), directory, labels, image_fit=fit
    )


@pytest.mark.parametrize(
    ("kinds", "image_size", "fit"),
    [
        (GREY_KINDS, 0, "stretch"),
        (GREY_KINDS | COLOR_KINDS, 0, "stretch"),
        (GREY_KINDS | COLOR_KINDS, 5, "stretch"),
        (GREY_KINDS | COLOR_KINDS, 5, "crop"),
    ],
)
def test_all_kinds(tmp_path, kinds, image_size, fit):
    for split in ("train", "test"):
        for label in ("a", "b"):
            (tmp_path / split / label).mkdir(parents=True)
    paths = []
    for number, content in enumerate(kinds.values()):
        paths.append(tmp_path / "train/a" / f"{number:03}")
        paths[-1].write_bytes(content)
    for path in ("train/b/0", "test/a/0", "test/b/0"):
        (tmp_path / path).write_bytes(GREY_KINDS["png L"])
    source = open_folder(tmp_path, image_size, fit)
    trained_on = source.read("train")[0][: len(kinds)]
    channels = 3 if "png RGB" in kinds else 1
    if not image_size:
        assert source.image_shape == (HEIGHT, WIDTH, channels)
        np.testing.assert_array_equal(
            trained_on,
            [as_pillow_sees(each, channels) for each in kinds.values()],
        )
    version = export_teller(tmp_path / "model", source.image_shape, fit)
    signatures = tf.saved_model.load(str(version)).signatures
    of_pixels = signatures["serving_default"](
        images=tf.constant(trained_on, tf.float32)
    )["probabilities"].numpy()
    of_files = signatures["serving_bytes"](
        image_bytes=tf.constant([*kinds.values()])
    )["probabilities"].numpy()
    np.testing.assert_array_equal(of_files, of_pixels)
    predicted = predict(paths, export_dir=version)
    np.testing.assert_array_equal(
        [each["probabilities"] for each in predicted], of_pixels
    )
    # One level more or less would be seen.
    changed = trained_on.astype("float32")
    changed[:, 0, 0, 0] += 1 - 2 * (changed[:, 0, 0, 0] > 127)
    others = signatures["serving_default"](images=tf.constant(changed))
    assert (others["probabilities"].numpy() != of_pixels).any(axis=1).all()
