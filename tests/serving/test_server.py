"""What a server answers, over gRPC and REST, right and wrong requests.

The server is TF Serving's binary where there is one, and else the stand-in.
"""

import base64

import grpc
import numpy as np
import pytest
import requests
import served_models
import tensorflow as tf
from tensorflow_serving.apis import get_model_metadata_pb2
from tensorflow_serving.apis import get_model_status_pb2
from tensorflow_serving.apis import model_service_pb2_grpc
from tensorflow_serving.apis import predict_pb2
from tensorflow_serving.apis import prediction_service_pb2_grpc

IMAGES = np.random.default_rng(3).integers(
    0, 256, (3, *served_models.SHAPE), "uint8"
)
FILES = [tf.io.encode_png(image).numpy() for image in IMAGES]


@pytest.fixture(scope="module")
def expected():
    return {v: served_models.probabilities(v, IMAGES) for v in (1, 2)}


@pytest.fixture(scope="module")
def channel(server):
    with grpc.insecure_channel(server.grpc.removeprefix("grpc://")) as channel:
        yield channel


def assert_rows(rows, expected):
    np.testing.assert_allclose(
        [row["probabilities"] for row in rows], expected, atol=1e-5
    )
    assert [row["class_id"] for row in rows] == expected.argmax(1).tolist()
    assert [row["label"] for row in rows] == [
        served_models.LABELS[k] for k in expected.argmax(1)
    ]


def rows_of(columns):
    return [dict(zip(columns, row)) for row in zip(*columns.values())]


# REST


def post(server, body, where="pets", verb=":predict"):
    return requests.post(
        f"{server.rest}/v1/models/{where}{verb}", json=body, timeout=60
    )


def encoded(contents):
    return [{"b64": base64.b64encode(x).decode()} for x in contents]


@pytest.mark.parametrize(
    "where, version",
    [
        ("pets", 2),
        ("pets/versions/1", 1),
        ("pets/versions/2", 2),
        ("pets/labels/stable", 1),
        ("pets/labels/canary", 2),
    ],
)
def test_rest_in_rows(server, expected, where, version):
    body = {
        "signature_name": "serving_bytes",
        "instances": [{"image_bytes": each} for each in encoded(FILES)],
    }
    answer = post(server, body, where)
    assert answer.status_code == 200, answer.text
    assert_rows(answer.json()["predictions"], expected[version])


def test_rest_in_columns(server, expected):
    body = {
        "signature_name": "serving_bytes",
        "inputs": {"image_bytes": encoded(FILES)},
    }
    columns = post(server, body).json()["outputs"]
    assert_rows(rows_of(columns), expected[2])


def test_rest_without_the_name_of_the_only_input(server, expected):
    named = {"signature_name": "serving_bytes"}
    rows = post(server, {**named, "instances": encoded(FILES)}).json()
    assert_rows(rows["predictions"], expected[2])
    columns = post(server, {"inputs": IMAGES.tolist()}).json()
    assert_rows(rows_of(columns["outputs"]), expected[2])
    rows = post(server, {"instances": IMAGES.tolist()}).json()
    assert_rows(rows["predictions"], expected[2])


def test_rest_says_which_versions_there_are(server):
    url = f"{server.rest}/v1/models/pets"
    for where, versions in (("", ["1", "2"]), ("/versions/1", ["1"])):
        states = requests.get(url + where, timeout=60).json()
        assert {
            (s["version"], s["state"]) for s in states["model_version_status"]
        } == {(version, "AVAILABLE") for version in versions}


def test_rest_says_what_a_model_takes(server):
    url = f"{server.rest}/v1/models/pets/metadata"
    answer = requests.get(url, timeout=60).json()
    assert answer["model_spec"]["version"] == "2"
    signatures = answer["metadata"]["signature_def"]["signature_def"]
    taken = signatures["serving_bytes"]["inputs"]["image_bytes"]
    assert taken["dtype"] == "DT_STRING"
    outputs = signatures["serving_default"]["outputs"]
    assert {*outputs} == {"probabilities", "class_id", "label"}


NAMED = {"signature_name": "serving_bytes"}


@pytest.mark.parametrize(
    "where, verb, body, status, message",
    [
        ("ants", ":predict", {"instances": []}, 404, "not found for request"),
        ("pets/versions/7", ":predict", {"instances": []}, 404, "not found"),
        ("pets/labels/x", ":predict", {"instances": []}, 400, "label: x"),
        ("pets", ":guess", {"instances": []}, 400, "Malformed request"),
        ("pets", ":predict", {}, 400, "Missing 'inputs' or 'instances' key"),
        ("pets", ":predict", {**NAMED, "instances": encoded([b"no"])}, 400, ""),
        ("pets", ":predict", {**NAMED, "instances": [{"b64": "!"}]}, 400, ""),
        ("pets", ":predict", {"instances": [[1, 2]]}, 400, ""),
        ("pets", ":predict", {"instances": [{"ant": 1}]}, 400, "ant"),
        (
            *("pets", ":predict"),
            {"signature_name": "x", "instances": [1]},
            *(400, "x"),
        ),
    ],
)
def test_rest_says_what_was_wrong(server, where, verb, body, status, message):
    answer = post(server, body, where, verb)
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error and message in error


def test_rest_of_what_is_no_json(server):
    url = f"{server.rest}/v1/models/pets:predict"
    answer = requests.post(url, data=b"{", timeout=60)
    assert answer.status_code == 400
    assert "JSON Parse error" in answer.json()["error"]


# gRPC


def predict(channel, key="image_bytes", value=FILES, name="pets", **spec):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = name
    for field, chosen in spec.items():
        if field == "version":
            request.model_spec.version.value = chosen
        else:
            setattr(request.model_spec, field, chosen)
    request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
    service = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    return service.Predict(request, timeout=60)


def rows_of_grpc(response):
    columns = {k: tf.make_ndarray(v) for k, v in response.outputs.items()}
    columns["label"] = [label.decode() for label in columns["label"]]
    return rows_of(columns)


@pytest.mark.parametrize(
    "spec, version",
    [
        ({}, 2),
        ({"version": 1}, 1),
        ({"version_label": "stable"}, 1),
        ({"version_label": "canary"}, 2),
    ],
)
def test_grpc(channel, expected, spec, version):
    response = predict(channel, signature_name="serving_bytes", **spec)
    assert response.model_spec.version.value == version
    assert_rows(rows_of_grpc(response), expected[version])


def test_grpc_takes_pixels(channel, expected):
    response = predict(channel, "images", IMAGES.astype("float32"))
    assert_rows(rows_of_grpc(response), expected[2])


def test_grpc_says_which_versions_there_are(channel):
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "pets"
    service = model_service_pb2_grpc.ModelServiceStub(channel)
    states = service.GetModelStatus(request, timeout=60).model_version_status
    assert {s.version for s in states} == {1, 2}
    assert {s.state for s in states} == {states[0].AVAILABLE}


def test_grpc_says_what_a_model_takes(channel):
    request = get_model_metadata_pb2.GetModelMetadataRequest()
    request.model_spec.name = "pets"
    request.metadata_field.append("signature_def")
    service = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    response = service.GetModelMetadata(request, timeout=60)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    taken = signatures.signature_def["serving_default"].inputs["images"]
    assert [d.size for d in taken.tensor_shape.dim] == [-1, 12, 10, 3]


@pytest.mark.parametrize(
    "arguments, code, message",
    [
        ({"name": "ants"}, "NOT_FOUND", "Servable not found for request"),
        ({"version": 7}, "NOT_FOUND", "Servable not found for request"),
        ({"signature_name": "x"}, None, "x"),
        ({"key": "ant"}, "INVALID_ARGUMENT", "ant"),
        (
            {"signature_name": "serving_bytes", "value": [b"no image"]},
            *("INVALID_ARGUMENT", "it is not a PNG, JPEG, BMP, GIF or WebP"),
        ),
    ],
)
def test_grpc_says_what_was_wrong(channel, arguments, code, message):
    with pytest.raises(grpc.RpcError, match=message) as refusal:
        predict(channel, **arguments)
    # TF Serving has had more than one code for a signature that is not there.
    codes = [code] if code else ["INVALID_ARGUMENT", "FAILED_PRECONDITION"]
    assert refusal.value.code().name in codes
