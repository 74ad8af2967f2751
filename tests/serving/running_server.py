"""A server in a process of its own: TF Serving's binary, or the stand-in."""

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

SECONDS = 120


class Server(typing.NamedTuple):
    """Where a server is, and the number of its process, if it is ours."""

    rest: str
    grpc: str
    process: int | None = None


@contextlib.contextmanager
def started(config, name, versions=1):
    """Runs TF Serving's binary, or the stand-in, until it is needed no more.

    Args:
        config: Path of the list of models.
        name: String, the model to wait for.
        versions: Integer, how many versions of it there are.
    """
    grpc_port, rest_port = _free_ports(2)
    binary = shutil.which("tensorflow_model_server")
    stand_in = pathlib.Path(__file__).with_name("stand_in.py")
    process = subprocess.Popen(
        [
            *([binary] if binary else [sys.executable, stand_in]),
            f"--port={grpc_port}",
            f"--rest_api_port={rest_port}",
            f"--model_config_file={config}",
            "--allow_version_labels_for_unavailable_models=true",
        ],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
    )
    server = Server(
        f"http://127.0.0.1:{rest_port}",
        f"grpc://127.0.0.1:{grpc_port}",
        process.pid,
    )
    try:
        _wait_for(f"{server.rest}/v1/models/{name}", versions, process)
        yield server
    finally:
        process.terminate()
        process.wait()


def _free_ports(count):
    """Returns ports that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _wait_for(url, versions, process):
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise ChildProcessError("the server has ended")
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.read().count(b"AVAILABLE") == versions:
                    return
        time.sleep(0.1)
    raise TimeoutError(f"no answer of {url} within {SECONDS} s")
