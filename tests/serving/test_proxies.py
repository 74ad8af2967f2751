"""A proxy is left out for this machine, and named where it fails."""

import contextlib
import http.server
import socket
import threading

import pytest

from tfdarts.serving.clients import ServerError
from tfdarts.serving.clients import validate_url
from tfdarts.serving.grpc_client import GrpcClient
from tfdarts.serving.proxies import grpc_proxy_of
from tfdarts.serving.proxies import http_proxy_of
from tfdarts.serving.proxies import is_loopback
from tfdarts.serving.rest_client import RestClient

CLIENTS = {"http": RestClient, "grpc": GrpcClient}
VARIABLES = ("grpc_proxy", "http_proxy", "https_proxy", "all_proxy", "no_proxy")


@contextlib.contextmanager
def refusing():
    """A proxy, or a server, that refuses all; gives its port and its log."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append(self.path)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_error(403, "not by me")

        do_CONNECT = do_POST

        def log_message(self, *args):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port, asked
        server.shutdown()


@pytest.fixture
def proxy(monkeypatch):
    """A proxy that the environment names; gives its address and its log."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with refusing() as (port, asked):
        url = f"http://me:secret@localhost:{port}"
        for name in ("http_proxy", "https_proxy", "all_proxy", "grpc_proxy"):
            monkeypatch.setenv(name, url)
        yield f"http://localhost:{port}", asked


@pytest.mark.parametrize("scheme", CLIENTS)
def test_a_proxy_that_fails_is_named_without_its_password(scheme, proxy):
    """A name that is not resolved here: only a proxy could."""
    address, asked = proxy
    client = CLIENTS[scheme](validate_url(f"{scheme}://model.invalid"), "x")
    with pytest.raises(ServerError) as refusal:
        client.predict([b""])
    assert asked
    assert f"through the proxy {address}" in str(refusal.value)
    assert "secret" not in str(refusal.value)


LOOPBACK = """
    localhost localhost. a.localhost a.localhost. 127.0.0.1 127.1 127.0.1
    127.255.0.9 2130706433 0x7f.1 0.0.0.0 0 ::1 0:0:0:0:0:0:0:1 ::
    ::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:0.0.0.0
"""
ELSEWHERE = """
    localhost.example.com notlocalhost 127.example.com 128.1 10.0.0.1 1
    ::2 ::ffff:10.0.0.1 fe80::1 a..
"""


@pytest.mark.parametrize("host", LOOPBACK.split())
def test_this_machine_has_many_names(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", [*ELSEWHERE.split(), "a\0b", "localhöst"])
def test_other_machines_have_others(host):
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1"])
def test_rest_on_this_machine_needs_no_proxy(host, proxy):
    _, asked = proxy
    with refusing() as (port, log):
        client = RestClient(validate_url(f"http://{host}:{port}"), "x")
        with pytest.raises(ServerError) as refusal:
            client.predict([b""])
    assert "proxy" not in str(refusal.value) and not asked
    # A proxy would be asked for the whole URL.
    assert log == ["/v1/models/x:predict"]


def test_grpc_on_this_machine_needs_no_proxy(proxy):
    _, asked = proxy
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    client = GrpcClient(validate_url(f"grpc://localhost:{port}"), "x")
    with pytest.raises(ServerError) as refusal:
        client.predict([b""])
    assert "proxy" not in str(refusal.value) and not asked


def test_what_the_environment_excepts_has_no_proxy(proxy, monkeypatch):
    monkeypatch.setenv("no_proxy", "example.com")
    assert http_proxy_of(validate_url("http://a.example.com")) is None
    assert grpc_proxy_of(validate_url("grpc://a.example.com")) is None
    assert http_proxy_of(validate_url("http://b.example.org"))
    assert grpc_proxy_of(validate_url("grpc://b.example.org"))
