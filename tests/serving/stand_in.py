"""A stand-in for TF Serving's `tensorflow_model_server`, in Python.

The binary is in no package registry. This speaks the same gRPC protocol, and
REST as the documentation has it, over the very SavedModels, and takes those
flags that the tests give. What a test asks of it, it may ask of the binary,
too. It loads what is there when it starts, and looks for no new versions.

Reference: https://www.tensorflow.org/tfx/serving/api_rest
"""

import argparse
import base64
import concurrent.futures
import http.server
import json
import pathlib
import re
import signal
import threading

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from google.protobuf import text_format
from tensorflow.python.saved_model import loader_impl
from tensorflow_serving.apis import get_model_metadata_pb2
from tensorflow_serving.apis import get_model_status_pb2
from tensorflow_serving.apis import model_service_pb2_grpc
from tensorflow_serving.apis import predict_pb2
from tensorflow_serving.apis import prediction_service_pb2_grpc
from tensorflow_serving.config import model_server_config_pb2

CODES = grpc.StatusCode
HTTP_STATUS = {
    CODES.INVALID_ARGUMENT: 400,
    CODES.FAILED_PRECONDITION: 412,
    CODES.NOT_FOUND: 404,
}


class Refusal(Exception):
    """What is answered in place of a result: a code and a sentence."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def _invalid(message):
    return Refusal(CODES.INVALID_ARGUMENT, message)


class Servable:
    """One version of a model."""

    def __init__(self, path):
        self.model = tf.saved_model.load(str(path))
        graph = loader_impl.parse_saved_model(str(path)).meta_graphs[0]
        self.signatures = {
            name: definition
            for name, definition in graph.signature_def.items()
            if definition.inputs
        }

    def signature(self, name):
        name = name or "serving_default"
        if name not in self.signatures:
            raise _invalid(
                f'Serving signature name: "{name}" not found in signature def'
            )
        return name, self.signatures[name]

    def predict(self, name, inputs):
        """Returns arrays by name, for a signature and tensors by name."""
        name, definition = self.signature(name)
        expected = f"{{{','.join(definition.inputs)}}}"
        for key in inputs:
            if key not in definition.inputs:
                raise _invalid(
                    f"input tensor alias not found in signature: {key}. "
                    f"Inputs expected to be in the set {expected}."
                )
        if len(inputs) != len(definition.inputs):
            raise _invalid(
                f"input size does not match signature: {len(inputs)}!="
                f"{len(definition.inputs)}, {expected}"
            )
        try:
            tensors = {
                key: tf.convert_to_tensor(
                    value, tf.as_dtype(definition.inputs[key].dtype)
                )
                for key, value in inputs.items()
            }
            outputs = self.model.signatures[name](**tensors)
        except (tf.errors.InvalidArgumentError, TypeError, ValueError) as error:
            raise _invalid(str(error)) from error
        return {key: value.numpy() for key, value in outputs.items()}


class Models:
    """All models of a configuration, found by name, version and label."""

    def __init__(self, config):
        self.servables, self.labels = {}, {}
        for model in config.model_config_list.config:
            path = pathlib.Path(model.base_path)
            there = [int(p.name) for p in path.iterdir() if p.name.isdecimal()]
            wanted = model.model_version_policy.specific.versions
            self.servables[model.name] = {
                version: Servable(path / str(version))
                for version in wanted or [max(there)]
            }
            self.labels[model.name] = dict(model.version_labels)

    def find(self, spec):
        """Returns the version that a `ModelSpec` names, and its servable."""
        versions = self.servables.get(spec.name, {})
        version, kind = max(versions, default=None), f"Latest({spec.name})"
        if spec.HasField("version"):
            version = spec.version.value
            kind = f"Specific({spec.name}, {version})"
        elif spec.version_label:
            version = self.labels.get(spec.name, {}).get(spec.version_label)
            if version is None:
                raise _invalid(
                    f"Unrecognized servable version label: {spec.version_label}"
                )
        if version not in versions:
            raise Refusal(
                CODES.NOT_FOUND, f"Servable not found for request: {kind}"
            )
        return version, versions[version]

    def predict(self, request):
        version, servable = self.find(request.model_spec)
        inputs = {k: tf.make_ndarray(v) for k, v in request.inputs.items()}
        outputs = servable.predict(request.model_spec.signature_name, inputs)
        response = predict_pb2.PredictResponse()
        response.model_spec.CopyFrom(request.model_spec)
        response.model_spec.version.value = version
        for name, value in outputs.items():
            if not request.output_filter or name in request.output_filter:
                response.outputs[name].CopyFrom(tf.make_tensor_proto(value))
        return response

    def metadata(self, request):
        version, servable = self.find(request.model_spec)
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.model_spec.name = request.model_spec.name
        response.model_spec.version.value = version
        signatures = get_model_metadata_pb2.SignatureDefMap(
            signature_def=servable.signatures
        )
        response.metadata["signature_def"].Pack(signatures)
        return response

    def status(self, request):
        spec = request.model_spec
        if spec.name not in self.servables:
            raise Refusal(
                CODES.NOT_FOUND,
                f"Could not find any versions of model {spec.name}",
            )
        versions = sorted(self.servables[spec.name])
        if spec.HasField("version") or spec.version_label:
            versions = [self.find(spec)[0]]
        response = get_model_status_pb2.GetModelStatusResponse()
        for version in versions:
            response.model_version_status.add(
                version=version,
                state=get_model_status_pb2.ModelVersionStatus.AVAILABLE,
            ).status.error_code = 0
        return response


# gRPC


def _answering(answer):
    def method(self, request, context):
        try:
            return answer(self.models, request)
        except Refusal as refusal:
            context.abort(refusal.code, str(refusal))

    return method


class PredictionService(
    prediction_service_pb2_grpc.PredictionServiceServicer,
    model_service_pb2_grpc.ModelServiceServicer,
):
    def __init__(self, models):
        self.models = models

    Predict = _answering(Models.predict)
    GetModelMetadata = _answering(Models.metadata)
    GetModelStatus = _answering(Models.status)


def serve_grpc(models, port):
    pool = concurrent.futures.ThreadPoolExecutor(8)
    server = grpc.server(
        pool, options=[("grpc.max_receive_message_length", -1)]
    )
    service = PredictionService(models)
    for module, name in (
        (prediction_service_pb2_grpc, "PredictionService"),
        (model_service_pb2_grpc, "ModelService"),
    ):
        getattr(module, f"add_{name}Servicer_to_server")(service, server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    return server


# REST

PATH = re.compile(
    r"/v1/models/(?P<name>[^/:]+)"
    r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
    r"(?P<verb>:predict|/metadata)?"
)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Else the head of an answer waits until the one before is acknowledged.
    disable_nagle_algorithm = True

    def do_GET(self):
        self._answer("GET", b"")

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        self._answer("POST", self.rfile.read(length))

    def _answer(self, method, body):
        try:
            status, answer = 200, self._result(method, body)
        except Refusal as refusal:
            status = HTTP_STATUS[refusal.code]
            answer = json.dumps({"error": str(refusal)})
        content = answer.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _result(self, method, body):
        models = self.server.models
        match = PATH.fullmatch(self.path)
        verb = match and (method, match["verb"])
        if verb == ("POST", ":predict"):
            return _predict(models, match, body)
        answers = {
            ("GET", None): (
                models.status,
                get_model_status_pb2.GetModelStatusRequest(),
            ),
            ("GET", "/metadata"): (
                models.metadata,
                get_model_metadata_pb2.GetModelMetadataRequest(
                    metadata_field=["signature_def"]
                ),
            ),
        }
        if verb not in answers:
            raise _invalid(f"Malformed request: {method} {self.path}")
        answer, request = answers[verb]
        _fill(request.model_spec, match)
        return json_format.MessageToJson(
            answer(request),
            preserving_proto_field_name=True,
            always_print_fields_with_no_presence=True,
        )

    def log_message(self, *args):
        pass


def _fill(spec, match):
    spec.name = match["name"]
    if match["version"]:
        spec.version.value = int(match["version"])
    if match["label"]:
        spec.version_label = match["label"]


def _predict(models, match, body):
    request = predict_pb2.PredictRequest()
    _fill(request.model_spec, match)
    _, servable = models.find(request.model_spec)
    try:
        asked = json.loads(body)
    except ValueError as error:
        raise _invalid(f"JSON Parse error: {error}") from error
    if not isinstance(asked, dict):
        raise _invalid("Request body is not a JSON object")
    name, definition = servable.signature(asked.get("signature_name"))
    if "instances" in asked and "inputs" in asked:
        raise _invalid("Not expecting both 'inputs' and 'instances' keys")
    if "instances" in asked:
        inputs = _columns(asked["instances"], definition)
    elif "inputs" in asked:
        inputs = asked["inputs"]
        if not isinstance(inputs, dict) or _is_b64(inputs):
            (only,) = definition.inputs
            inputs = {only: inputs}
    else:
        raise _invalid("Missing 'inputs' or 'instances' key")
    tensors = {}
    for key, value in inputs.items():
        if key not in definition.inputs:
            raise _invalid(f"JSON object: does not have named input: {key}")
        tensors[key] = _tensor(value, definition.inputs[key].dtype)
    outputs = {
        key: _json_value(key, value)
        for key, value in servable.predict(name, tensors).items()
    }
    if "inputs" in asked:
        only = [*outputs.values()][0] if len(outputs) == 1 else outputs
        return json.dumps({"outputs": only})
    rows = [dict(zip(outputs, row)) for row in zip(*outputs.values())]
    if len(outputs) == 1:
        rows = [*outputs.values()][0]
    return json.dumps({"predictions": rows})


def _columns(instances, definition):
    """Returns what stands in rows as a list for each input."""
    if not isinstance(instances, list) or not instances:
        raise _invalid("Expecting 'instances' value to be an array/list")
    columns = {}
    for row in instances:
        if not isinstance(row, dict) or _is_b64(row):
            (only,) = definition.inputs
            row = {only: row}
        for key, value in row.items():
            columns.setdefault(key, []).append(value)
    return columns


def _is_b64(value):
    return isinstance(value, dict) and [*value] == ["b64"]


def _tensor(value, dtype):
    if dtype == tf.string.as_datatype_enum:
        return np.array(_decoded(value), object)
    try:
        return np.array(value, tf.as_dtype(dtype).as_numpy_dtype)
    except (TypeError, ValueError) as error:
        raise _invalid(
            f"JSON Value: {str(value)[:60]} is not of expected type: "
            f"{tf.as_dtype(dtype).name}"
        ) from error


def _decoded(value):
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    if isinstance(value, str):
        return value.encode()
    if not _is_b64(value):
        raise _invalid(
            f"JSON Value: {value} not formatted correctly for base64 data"
        )
    try:
        return base64.b64decode(value["b64"], validate=True)
    except ValueError as error:
        raise _invalid("Unable to base64 decode") from error


def _json_value(name, array):
    if array.dtype != object:
        return array.tolist()
    if array.ndim > 1:
        return [_json_value(name, row) for row in array]
    if name.endswith("_bytes"):
        return [{"b64": base64.b64encode(x).decode()} for x in array]
    return [x.decode() for x in array]


def serve_rest(models, port):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.models = models
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8500)
    parser.add_argument("--rest_api_port", type=int, required=True)
    parser.add_argument("--model_config_file", type=pathlib.Path, required=True)
    # A version is loaded before the label is given here.
    parser.add_argument("--allow_version_labels_for_unavailable_models")
    flags = parser.parse_args()
    config = text_format.Parse(
        flags.model_config_file.read_text(),
        model_server_config_pb2.ModelServerConfig(),
    )
    models = Models(config)
    # gRPC first: whoever waits for an answer of REST then has both.
    servers = [
        serve_grpc(models, flags.port),
        serve_rest(models, flags.rest_api_port),
    ]
    signal.sigwait([signal.SIGTERM, signal.SIGINT])
    return servers


if __name__ == "__main__":
    main()
