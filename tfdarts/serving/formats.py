"""A classifier as one file, for runtimes other than TensorFlow's."""

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
"""The formats, and how the names of their files end."""

OPSET = 17


def converted(model, format, images=None):
    """Returns a classifier in another format.

    All take `images` and give `probabilities`, of a batch of any size. Images
    are float32 with pixels from 0 to 255; those of `litert_int8` are uint8,
    as a camera gives them.

    - `keras` is for Keras with tfdarts, which has layers of its own.
    - `litert` is for LiteRT, formerly TensorFlow Lite, on phones and smaller
      devices.
    - `litert_int8` is the same with weights and values of 8 bits.
    - `onnx` is for ONNX Runtime and whatever else reads ONNX.

    Args:
        model: What `tfdarts.serving.classifier.classifier` returns.
        format: String, a key of `SUFFIXES`.
        images: Array `(examples, height, width, channels)`, for `litert_int8`
            alone: images like those it will see, out of whose range of values
            the scale of each tensor is calculated.

    Returns:
        Bytes, the content of the file.

    Raises:
        ValueError: Of `litert`, if TensorFlow cannot read `TMPDIR`.
        ImportError: Of `onnx`, without `tf2onnx`, the extra `onnx`.

    Reference:

    - [Jacob et al., 2018](https://arxiv.org/abs/1712.05877), on `litert_int8`
    """
    if format.startswith("litert"):
        # Keras converts a SavedModel that it writes there.
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
        # Pixels need no statistics: they are bytes as they come.
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
    # A specification of the input by its name, which becomes ONNX's.
    images = keras.InputSpec(shape=shape, dtype="float32", name="images")
    with warnings.catch_warnings():
        # Keras asks NumPy for a name of old, for tf2onnx' sake.
        warnings.filterwarnings("ignore", "In the future `np.object`")
        model.export(
            path,
            format="onnx",
            verbose=False,
            input_signature=[images],
            opset_version=OPSET,
        )
