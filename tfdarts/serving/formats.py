"""Converting a classifier into one file, for other runtimes."""

import pathlib
import tempfile
import warnings

import keras
import numpy as np
import tensorflow as tf

from tfdarts.patterns import require_plain_temporary_directory
from tfdarts.stderr import quiet_stderr

SUFFIXES = {
    "keras": ".keras",
    "litert": ".tflite",
    "litert_int8": ".int8.tflite",
    "onnx": ".onnx",
}
"""The suffixes of files by format."""

OPSET = 17


def convert(model, format, images=None):
    """Returns a classifier in another format, as bytes.

    All formats take `images` and return `probabilities`, for batches of any
    size. Images are float32 with pixels from 0 to 255; for `litert_int8` they
    are uint8, as from a camera.

    - `keras` is for Keras with tfdarts, which provides custom layers.
    - `litert` is for LiteRT, formerly TensorFlow Lite, on phones and smaller
      devices.
    - `litert_int8` is LiteRT with 8-bit weights and activations.
    - `onnx` is for ONNX Runtime and other readers of ONNX.

    Args:
        model: The result of `tfdarts.serving.classifier.classifier`.
        format: String, a key of `SUFFIXES`.
        images: Array `(examples, height, width, channels)`, only for
            `litert_int8`: typical images, whose activations set the scale of
            each tensor.

    Returns:
        Bytes, the content of the file.

    Raises:
        ValueError: For `litert`, if TensorFlow cannot read `TMPDIR`.
        ImportError: For `onnx`, without `tf2onnx`, the extra `onnx`.

    Reference:

    - [Jacob et al., 2018](https://arxiv.org/abs/1712.05877), on `litert_int8`
    """
    if format.startswith("litert"):
        # Keras first writes a SavedModel to this directory.
        require_plain_temporary_directory()
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory, f"model{SUFFIXES[format]}")
        match format:
            case "keras":
                model.save(path)
            case "litert":
                with quiet_stderr():
                    model.export(path, format="litert", verbose=False)
            case "litert_int8":
                _export_int8(model, path, images)
            case "onnx":
                _export_onnx(model, path)
        return path.read_bytes()


def _export_int8(model, path, images):
    def representative():
        for image in images:
            yield [np.asarray(image, "float32")[None]]

    with warnings.catch_warnings(), quiet_stderr():
        # Pixels need no statistics, because they are bytes already.
        warnings.filterwarnings("ignore", "Statistics for quantized inputs")
        model.export(
            path,
            format="litert",
            verbose=False,
            optimizations=[tf.lite.Optimize.DEFAULT],
            representative_dataset=representative,
            target_spec={
                "supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            },
            inference_input_type=tf.uint8,
        )


def _export_onnx(model, path):
    shape = model.input_shape
    # ONNX takes the input's name from this specification.
    images = keras.InputSpec(shape=shape, dtype="float32", name="images")
    with warnings.catch_warnings():
        # For tf2onnx, Keras uses a deprecated name of NumPy.
        warnings.filterwarnings("ignore", "In the future `np.object`")
        model.export(
            path,
            format="onnx",
            verbose=False,
            input_signature=[images],
            opset_version=OPSET,
        )
