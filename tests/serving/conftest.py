"""The server that tests ask: TF Serving where there is one."""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import typing
import urllib.error
import urllib.request

import pytest
import served_models

SECONDS = 120


class Server(typing.NamedTuple):
    """Where a server of the models of `served_models` is."""

    rest: str
    grpc: str


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """The directory of the models of `served_models`."""
    directory = tmp_path_factory.mktemp("models")
    served_models.write(directory)
    return directory


@pytest.fixture(scope="session")
def server(models):
    """A server of these models: that of `TFDARTS_TF_SERVING`, which names a
    host, or TF Serving's binary, or the stand-in."""
    host = os.environ.get("TFDARTS_TF_SERVING")
    if host:
        yield Server(f"http://{host}:8501", f"grpc://{host}:8500")
        return
    with started(models / "models.config") as server:
        yield server


@contextlib.contextmanager
def started(config, *flags):
    """Runs TF Serving's binary, or the stand-in, until it is needed no more."""
    grpc_port, rest_port = free_ports(2)
    binary = shutil.which("tensorflow_model_server")
    stand_in = pathlib.Path(__file__).with_name("stand_in.py")
    process = subprocess.Popen(
        [
            *([binary] if binary else [sys.executable, stand_in]),
            f"--port={grpc_port}",
            f"--rest_api_port={rest_port}",
            f"--model_config_file={config}",
            "--allow_version_labels_for_unavailable_models=true",
            *flags,
        ],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
    )
    server = Server(
        f"http://127.0.0.1:{rest_port}", f"grpc://127.0.0.1:{grpc_port}"
    )
    try:
        wait_for(server, process)
        yield server
    finally:
        process.terminate()
        process.wait()


def free_ports(count):
    """Returns ports that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def wait_for(server, process):
    url = f"{server.rest}/v1/models/{served_models.NAME}"
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, "the server has ended"
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.read().count(b"AVAILABLE") == 2:
                    return
        time.sleep(0.1)
    raise TimeoutError(f"no answer of {url} within {SECONDS} s")
