"""Every way to ask, with the same answers; and servers that misbehave."""

import contextlib
import http.server
import json
import socket
import threading
import time

import grpc
import numpy as np
import pytest
import requests
import served_models
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2

from tfdarts.serving.clients import InvalidArgument
from tfdarts.serving.clients import ServerError
from tfdarts.serving.clients import Unavailable
from tfdarts.serving.clients import strip_context
from tfdarts.serving.clients import validate_answer
from tfdarts.serving.clients import validate_name
from tfdarts.serving.clients import validate_url
from tfdarts.serving.grpc_client import GrpcClient
from tfdarts.serving.rest_client import RestClient
from tfdarts.serving.saved_model_client import SavedModelClient
from tfdarts.serving.saved_model_client import version_directory

IMAGES = np.random.default_rng(4).integers(
    0, 256, (3, *served_models.SHAPE), "uint8"
)
FILES = [tf.io.encode_png(image).numpy() for image in IMAGES]
REMOTE = {"rest": RestClient, "grpc": GrpcClient}


def assert_answer(answer, version):
    expected = served_models.probabilities(version, IMAGES)
    np.testing.assert_allclose(answer.probabilities, expected, atol=1e-5)
    assert answer.class_ids == expected.argmax(1).tolist()
    names = [served_models.LABELS[k] for k in expected.argmax(1)]
    assert answer.labels == names


@pytest.fixture(params=REMOTE)
def remote(server, request):
    """A function that makes a client of the server."""

    def client(*args, **kwargs):
        url = validate_url(getattr(server, request.param))
        return REMOTE[request.param](url, *args, **kwargs)

    return client


@pytest.mark.parametrize(
    "chosen, version", [(None, 2), (1, 1), ("stable", 1), ("canary", 2)]
)
def test_a_server_answers_what_the_network_answers(remote, chosen, version):
    client = remote("pets", chosen)
    assert_answer(client.predict(FILES), version)
    assert_answer(client.predict(FILES), version)


@pytest.mark.parametrize("chosen, version", [(None, 2), (1, 1)])
def test_so_does_the_model_without_a_server(models, chosen, version):
    path = version_directory(models / "pets", chosen)
    assert path.name == str(version)
    assert version_directory(path) == path
    assert_answer(SavedModelClient(path).predict(FILES), version)


def test_what_is_no_image(remote, models):
    path = version_directory(models / "pets")
    for client in (remote("pets"), SavedModelClient(path)):
        with pytest.raises(InvalidArgument) as refusal:
            client.predict([FILES[0], b"no image"])
        message = str(refusal.value).partition(" refuses: ")[2]
        message = message or str(refusal.value)
        assert message.startswith("It is not a PNG, JPEG, BMP, GIF or WebP")
        assert "\n" not in message and "[[" not in message


def test_the_servers_errors_are_passed_on(remote):
    with pytest.raises(ServerError, match="refuses: Servable not found.*ants"):
        remote("ants").predict(FILES)
    with pytest.raises(ServerError, match="refuses: Servable not found.*7"):
        remote("pets", 7).predict(FILES)
    with pytest.raises(ServerError, match="refuses:.*label: best"):
        remote("pets", "best").predict(FILES)


@pytest.mark.parametrize("kind", REMOTE)
def test_where_nobody_listens(kind):
    with contextlib.closing(socket.socket()) as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        scheme = {"rest": "http", "grpc": "grpc"}[kind]
        client = REMOTE[kind](validate_url(f"{scheme}://127.0.0.1:{port}"), "x")
        with pytest.raises(
            Unavailable, match="does a server run there.*refused"
        ):
            client.predict(FILES)


class Refused(grpc.RpcError):
    """What gRPC raises where a server says this."""

    def __init__(self, code):
        self.code, self.details = lambda: code, lambda: "said so"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("UNAVAILABLE", Unavailable),
        ("RESOURCE_EXHAUSTED", Unavailable),
        ("DEADLINE_EXCEEDED", Unavailable),
        ("INVALID_ARGUMENT", InvalidArgument),
        ("NOT_FOUND", ServerError),
        ("FAILED_PRECONDITION", ServerError),
        ("INTERNAL", ServerError),
    ],
)
def test_what_grpc_codes_mean(name, kind):
    client = GrpcClient(validate_url("grpc://localhost"), "pets")

    def ask(request, timeout):
        raise Refused(grpc.StatusCode[name])

    client.call = ask
    with pytest.raises(ServerError) as refusal:
        client.predict(FILES)
    assert type(refusal.value) is kind


@pytest.mark.parametrize("scheme, secure", [("grpc", False), ("grpcs", True)])
def test_grpcs_encrypts(monkeypatch, scheme, secure):
    opened = []
    for name in ("secure_channel", "insecure_channel"):
        channel = getattr(grpc, name)

        def noted(*args, name=name, channel=channel):
            opened.append((name, args[0], args[-1]))
            return channel(*args)

        monkeypatch.setattr(grpc, name, noted)
    GrpcClient(validate_url(f"{scheme}://host:7"), "pets")
    ((name, where, options),) = opened
    assert (name == "secure_channel") == secure and where == "host:7"
    # The client's own limit is that of a request, which may be larger.
    assert dict(options)["grpc.max_send_message_length"] == -1
    assert dict(options)["grpc.max_receive_message_length"] == -1


@pytest.mark.parametrize("kind", REMOTE)
def test_who_does_not_answer_in_time(kind):
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as silent:
        port = silent.getsockname()[1]
        scheme = {"rest": "http", "grpc": "grpc"}[kind]
        url = validate_url(f"{scheme}://127.0.0.1:{port}")
        client = REMOTE[kind](url, "x", timeout=0.2)
        started = time.monotonic()
        with pytest.raises(Unavailable, match="not answered within 0.2 s"):
            client.predict(FILES)
        assert time.monotonic() - started < 10


def test_rest_at_the_port_of_grpc(server):
    """Its answer is of binary signs, which nobody wants to see."""
    url = validate_url(server.grpc.replace("grpc://", "http://"))
    with pytest.raises(Unavailable) as refusal:
        RestClient(url, "pets").predict(FILES)
    assert "is this its REST port?" in str(refusal.value)
    assert str(refusal.value).isprintable()


@contextlib.contextmanager
def answering(status, body):
    """An HTTP server that answers everything with this; yields its URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield validate_url(f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    "status, body, kind, message",
    [
        (503, b"busy", Unavailable, "cannot answer now: 503 Service Unav"),
        (502, b"", Unavailable, "cannot answer now: 502 Bad Gateway"),
        (504, b"", Unavailable, "cannot answer now: 504 Gateway Timeout"),
        (429, b'{"error": "slowly"}', Unavailable, "now: slowly"),
        (
            400,
            b'{"error": "no\\n\\t [[{{node x}}]]"}',
            InvalidArgument,
            "s: no$",
        ),
        (404, b"<html>", ServerError, "refuses: 404 Not Found"),
        (500, b"[]", ServerError, "refuses: 500 Internal"),
        (200, b"<html>", ServerError, "not as a model of tfdarts"),
        (200, b'{"outputs": [1]}', ServerError, "not as a model of tfdarts"),
    ],
)
def test_other_answers(status, body, kind, message):
    with answering(status, body) as url:
        with pytest.raises(kind, match=message) as refusal:
            RestClient(url, "pets").predict(FILES)
    assert type(refusal.value) is kind


PROBABILITIES = [[0.5, 0.5]] * len(FILES)
ANSWER = {
    "label": ["cat"] * len(FILES),
    "class_id": [0] * len(FILES),
    "probabilities": PROBABILITIES,
}


@pytest.mark.parametrize(
    "changed",
    [
        {"label": ["cat"]},
        {"label": [1, 2, 3]},
        {"label": None},
        {"class_id": [0, 1]},
        {"class_id": [0, 1, 2]},
        {"class_id": [0, 1, -1]},
        {"class_id": ["a", "b", "c"]},
        {"probabilities": PROBABILITIES[:2]},
        {"probabilities": [0.5, 0.5, 0.5]},
        {"probabilities": [[0.5, 0.5], [1.0], [0.0]]},
        {"probabilities": [[0.5, float("nan")]] * 3},
        {"probabilities": 0.5},
    ],
)
def test_answers_that_are_none_to_these_images(changed):
    body = json.dumps({"outputs": ANSWER}).encode()
    with answering(200, body) as url:
        assert RestClient(url, "pets").predict(FILES).labels == ["cat"] * 3
    with pytest.raises(ServerError, match="not as a model of tfdarts does"):
        validate_answer("It", 3, *{**ANSWER, **changed}.values())
    body = json.dumps({"outputs": {**ANSWER, **changed}}).encode()
    with answering(200, body) as url:
        with pytest.raises(ServerError, match="not as a model of tfdarts"):
            RestClient(url, "pets").predict(FILES)


def test_grpc_answers_of_other_models():
    client = GrpcClient(validate_url("grpc://localhost"), "pets")
    response = predict_pb2.PredictResponse()
    client.call = lambda request, timeout: response
    with pytest.raises(ServerError, match="not as a model of tfdarts"):
        client.predict(FILES)
    for name, value in ANSWER.items():
        response.outputs[name].CopyFrom(tf.make_tensor_proto(value))
    assert client.predict(FILES).labels == ["cat"] * 3
    response.outputs["label"].CopyFrom(tf.make_tensor_proto([1, 2, 3]))
    with pytest.raises(ServerError, match="not as a model of tfdarts"):
        client.predict(FILES)


def test_an_answer_that_drips_is_too_late():
    """Each piece comes in time, but not all of it."""
    ended = threading.Event()

    def drip(listening):
        connection, _ = listening.accept()
        with connection:
            connection.recv(2**16)
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"
            )
            with contextlib.suppress(OSError):
                while not ended.wait(0.05):
                    connection.sendall(b"x")

    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        thread = threading.Thread(target=drip, args=[server])
        thread.start()
        port = server.getsockname()[1]
        client = RestClient(
            validate_url(f"http://127.0.0.1:{port}"), "x", None, 0.4
        )
        started = time.monotonic()
        with pytest.raises(Unavailable, match="not answered within 0.4 s"):
            client.predict(FILES)
        assert time.monotonic() - started < 5
        ended.set()
        thread.join()


def test_what_a_rest_server_is_sent(monkeypatch):
    sent = {}

    class Session:
        def post(self, url, json, timeout, stream, proxies):
            sent.update(url=url, body=json, timeout=timeout, proxies=proxies)
            raise requests.ConnectionError

    client = RestClient(validate_url("https://host/prefix/"), "ä", 3, 7.0)
    client.session = Session()
    with pytest.raises(Unavailable):
        client.predict([b"\x00\xff"])
    assert sent == {
        "url": "https://host:443/prefix/v1/models/%C3%A4/versions/3:predict",
        "body": {
            "signature_name": "serving_bytes",
            "inputs": {"image_bytes": [{"b64": "AP8="}]},
        },
        "timeout": 7.0,
        # Those of the environment.
        "proxies": None,
    }
    assert json.dumps(sent["body"])


@pytest.mark.parametrize(
    "server",
    [
        *("localhost:8501", "ftp://x", "http://", "http://x:port", ""),
        *("http://x:0", "http://me:secret@x", "http://x?a=1", "http://x#a"),
        *("grpc://x/prefix", "http://x:8501/v1/models/pets"),
    ],
)
def test_what_is_no_server(server):
    with pytest.raises(ValueError, match="--server must be http://host"):
        validate_url(server)


@pytest.mark.parametrize(
    "server, netloc",
    [
        ("http://h", "h:8501"),
        ("grpc://h", "h:8500"),
        ("https://h", "h:443"),
        ("grpc://[::1]:7", "[::1]:7"),
    ],
)
def test_ports(server, netloc):
    assert validate_url(server).netloc == netloc


def test_no_version(tmp_path, models):
    with pytest.raises(ValueError, match="has no version of a SavedModel"):
        version_directory(tmp_path)
    with pytest.raises(ValueError, match="no version 3. It has 1, 2"):
        version_directory(models / "pets", 3)
    with pytest.raises(ValueError, match="no version stable"):
        version_directory(models / "pets", "stable")


def test_a_version_by_itself_is_that_version_and_no_other(models):
    path = models / "pets" / "1"
    assert version_directory(path, 1) == path
    with pytest.raises(ValueError, match="1 has no version of a SavedModel"):
        version_directory(path, 2)


def test_where_the_model_is_further_down(tmp_path):
    version = tmp_path / "export" / "pets" / "1"
    version.mkdir(parents=True)
    (version / "saved_model.pb").touch()
    # What is no version is none further down, either.
    (tmp_path / "export" / "a" / "x").mkdir(parents=True)
    (tmp_path / "export" / "a" / "x" / "saved_model.pb").touch()
    for path in (tmp_path, tmp_path / "export"):
        with pytest.raises(ValueError) as refusal:
            version_directory(path)
        hint = f" Did you mean {tmp_path}/export/pets?"
        assert str(refusal.value).endswith(hint)
    (version.parent / "2.keras").touch()
    with pytest.raises(ValueError, match="2.keras has no version") as refusal:
        version_directory(version.parent / "2.keras")
    assert str(refusal.value).endswith(hint)
    with pytest.raises(ValueError, match=r"of the run directory\.$"):
        version_directory(tmp_path / "export" / "a" / "x" / "deeper")


@pytest.mark.parametrize("name", ["a/b", ".a", "", 'we"ird', "a:b", "a b"])
def test_what_is_no_name(name):
    assert validate_name("Käfer_2.0-b") == "Käfer_2.0-b"
    with pytest.raises(
        ValueError, match="--name must consist of letters and digits"
    ):
        validate_name(name)


def test_a_damaged_version(tmp_path):
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").write_bytes(b"no model")
    with pytest.raises(ValueError, match="is damaged, or was not exported"):
        SavedModelClient(version_directory(tmp_path))


def test_a_model_of_another_kind(tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path / "1"))
    with pytest.raises(ValueError, match="was not exported by tfdarts"):
        SavedModelClient(version_directory(tmp_path))


@pytest.mark.parametrize(
    "message, sentence",
    [
        ("It is no image.", "It is no image."),
        (
            "2 root error(s) found.\n  (0) INVALID_ARGUMENT: No.\n\t [[x]]",
            "No.",
        ),
        ("", ""),
        (
            "{{function_node f}} assertion failed: [it is no image]\n\t [[x]]",
            "It is no image.",
        ),
    ],
)
def test_the_sentence_in_an_error(message, sentence):
    assert strip_context(message) == sentence
