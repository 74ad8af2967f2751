"""Requests that a server answers for itself before it takes others."""

import pathlib
import tempfile

import numpy as np
import tensorflow as tf

FILE = "assets.extra/tf_serving_warmup_requests"
"""Where TF Serving looks for them in a version."""

BATCHES = (1, 8)


def warm_up_requests(name, image_shape):
    """Returns requests of both signatures, as the file of TF Serving.

    The first requests to a model are slow, for TensorFlow prepares its graph
    in them. A server that finds these answers them before it announces the
    version.

    Args:
        name: String, what the server calls the model.
        image_shape: Tuple `(height, width, channels)` of the images taken.

    Returns:
        Bytes: a TFRecord file of `PredictionLog`.

    Raises:
        ImportError: Without `tensorflow-serving-api`, the extra `serving`.

    Reference:

    - [SavedModel Warmup](https://www.tensorflow.org/tfx/serving/saved_model_warmup)
    """
    from tensorflow_serving.apis import predict_pb2
    from tensorflow_serving.apis import prediction_log_pb2

    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as directory:
        path = str(pathlib.Path(directory, "requests"))
        with tf.io.TFRecordWriter(path) as writer:
            for batch in BATCHES:
                shape = (batch, *image_shape)
                images = random.integers(0, 256, shape, "uint8")
                files = [tf.io.encode_png(image).numpy() for image in images]
                for signature, key, value in (
                    ("serving_default", "images", images.astype("float32")),
                    ("serving_bytes", "image_bytes", files),
                ):
                    request = predict_pb2.PredictRequest()
                    request.model_spec.name = name
                    request.model_spec.signature_name = signature
                    request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
                    log = prediction_log_pb2.PredictionLog(
                        predict_log=prediction_log_pb2.PredictLog(
                            request=request
                        )
                    )
                    writer.write(log.SerializeToString())
        return pathlib.Path(path).read_bytes()
