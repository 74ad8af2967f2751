"""Warm-up requests, which a server runs before it announces a model."""

import pathlib
import tempfile

import numpy as np
import tensorflow as tf

FILE = "assets.extra/tf_serving_warmup_requests"
"""The path of the warm-up requests in the directory of a version."""

BATCHES = (1, 8)


def warm_up_requests(name, image_shape):
    """Returns warm-up requests for a classifier, as TF Serving's file.

    The first requests to a model are slow, because TensorFlow then prepares
    its graph. A server that finds this file runs the requests before it
    announces the version.

    Args:
        name: String, the name of the model on the server.
        image_shape: Tuple `(height, width, channels)` of the input images.

    Returns:
        Bytes: a TFRecord file of `PredictionLog`.

    Raises:
        ImportError: Without `tensorflow-serving-api`, the extra `serving`.

    Reference:

    - [SavedModel Warmup](https://www.tensorflow.org/tfx/serving/saved_model_warmup)
    """
    random = np.random.default_rng(0)
    requests = []
    for batch in BATCHES:
        images = random.integers(0, 256, (batch, *image_shape), "uint8")
        files = [tf.io.encode_png(image).numpy() for image in images]
        requests += [
            ("serving_default", {"images": images.astype("float32")}),
            ("serving_bytes", {"image_bytes": files}),
        ]
    return _write_requests(name, requests)


def text_warm_up_requests(name, state_size):
    """Returns warm-up requests for a language model, as TF Serving's file.

    Args:
        name: String, the name of the model on the server.
        state_size: Integer, the size of the carried state.

    Returns:
        Bytes; see `warm_up_requests`.

    Raises:
        ImportError: See `warm_up_requests`.
    """
    requests = []
    for batch in BATCHES:
        tokens = np.zeros((batch, 1), "int32")
        state = np.zeros((batch, state_size), "float32")
        requests += [
            ("serving_default", {"text": ["a few words"] * batch}),
            ("serving_tokens", {"tokens": tokens, "state": state}),
        ]
    return _write_requests(name, requests)


def _write_requests(name, requests):
    """Returns requests, pairs of signature and inputs, as bytes of a file."""
    from tensorflow_serving.apis import predict_pb2
    from tensorflow_serving.apis import prediction_log_pb2

    with tempfile.TemporaryDirectory() as directory:
        path = str(pathlib.Path(directory, "requests"))
        with tf.io.TFRecordWriter(path) as writer:
            for signature, inputs in requests:
                request = predict_pb2.PredictRequest()
                request.model_spec.name = name
                request.model_spec.signature_name = signature
                for key, value in inputs.items():
                    request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
                log = prediction_log_pb2.PredictionLog(
                    predict_log=prediction_log_pb2.PredictLog(request=request)
                )
                writer.write(log.SerializeToString())
        return pathlib.Path(path).read_bytes()
