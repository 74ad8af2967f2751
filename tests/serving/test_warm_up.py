"""Warm-up requests as TF Serving reads them, asked of the model itself."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from tfdarts import genotypes
from tfdarts.models.cnn_network import CNNNetwork
from tfdarts.serving import warm_up
from tfdarts.serving.saved_model import export_saved_model

SHAPE = (8, 9, 3)


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    network = CNNNetwork(genotypes.get("DARTS_V2"), 2, 3, 4, SHAPE)
    return export_saved_model(
        network,
        tmp_path_factory.mktemp("model"),
        ["a", "b", "c", "d"],
        extra_files={warm_up.FILE: warm_up.warm_up_requests("pets", SHAPE)},
    )


def requests(version):
    path = version / "assets.extra" / "tf_serving_warmup_requests"
    for record in tf.data.TFRecordDataset(str(path)):
        log = prediction_log_pb2.PredictionLog.FromString(record.numpy())
        yield log.predict_log.request


def test_each_is_answered_by_the_signature_it_names(version):
    model = tf.saved_model.load(str(version))
    asked = []
    for request in requests(version):
        assert request.model_spec.name == "pets"
        name = request.model_spec.signature_name
        inputs = {k: tf.make_ndarray(v) for k, v in request.inputs.items()}
        (value,) = inputs.values()
        answer = model.signatures[name](
            **{k: tf.constant(v) for k, v in inputs.items()}
        )
        assert answer["probabilities"].shape == (len(value), 4)
        asked.append((name, len(value)))
    assert sorted(asked) == [
        ("serving_bytes", 1),
        ("serving_bytes", 8),
        ("serving_default", 1),
        ("serving_default", 8),
    ]


def test_images_are_pixels(version):
    for request in requests(version):
        if "images" in request.inputs:
            images = tf.make_ndarray(request.inputs["images"])
            assert images.shape[1:] == SHAPE
            assert images.min() >= 0 and images.max() <= 255
            assert np.unique(images).size > 100
