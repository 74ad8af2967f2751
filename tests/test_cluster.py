"""Which processes compute together."""

import json
import socket
import threading
import time

import pytest

from tfdarts import cluster
from tfdarts.cluster import ClusterError
from tfdarts.cluster import is_follower
from tfdarts.cluster import is_of_many
from tfdarts.cluster import wait_for_others
from tfdarts.cluster import workers

TWO = {"cluster": {"worker": ["a:1", "b:2"]}}


def of_task(index, kind="worker"):
    return json.dumps({**TWO, "task": {"type": kind, "index": index}})


def test_workers_are_those_of_the_environment(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert workers() == ([], 0)
    for empty in ("", "{}", '{"cluster": {}}'):
        monkeypatch.setenv("TF_CONFIG", empty)
        assert workers() == ([], 0)
    monkeypatch.setenv("TF_CONFIG", of_task(1))
    assert workers() == (["a:1", "b:2"], 1)
    # Some write it as a string.
    monkeypatch.setenv("TF_CONFIG", of_task("1"))
    assert workers() == (["a:1", "b:2"], 1)
    last = of_task(0).replace('"a:1"', '"a:65535"')
    monkeypatch.setenv("TF_CONFIG", last)
    assert workers() == (["a:65535", "b:2"], 0)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "3",
        json.dumps(TWO),
        of_task(2),
        of_task(-1),
        of_task("first"),
        of_task(0, "chief"),
        of_task(0).replace("worker", "ps", 1),
        of_task(0).replace('"a:1"', "1"),
        of_task(0).replace('["a:1", "b:2"]', "3"),
        of_task(0).replace('"a:1"', '"a"'),
        of_task(0).replace('"a:1"', '"a b:1"'),
        of_task(0).replace('"a:1"', '"a:65536"'),
        of_task(0).replace('"a:1"', '"a:0"'),
        of_task(0).replace('"a:1"', '"b:2"'),
    ],
)
def test_anything_else_is_refused(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ClusterError, match='TF_CONFIG must be as {"cluster"'):
        workers()


def test_the_first_of_many_writes(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", of_task(1))
    assert is_follower("multiworker") and is_follower("auto")
    assert not is_follower("none") and not is_follower("mirrored")
    monkeypatch.setenv("TF_CONFIG", of_task(0))
    assert is_of_many("auto") and not is_follower("auto")
    alone = {"cluster": {"worker": ["a:1"]}}
    alone["task"] = {"type": "worker", "index": 0}
    monkeypatch.setenv("TF_CONFIG", json.dumps(alone))
    assert not is_of_many("multiworker")


def test_the_workers_must_be_known(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert not is_of_many("auto") and not is_of_many("mirrored")
    with pytest.raises(ClusterError, match="set TF_CONFIG in the environment"):
        is_of_many("multiworker")


def test_workers_wait_for_each_other(monkeypatch, caplog):
    """The second comes late, and is asked for by name meanwhile."""
    monkeypatch.setattr(cluster, "SECONDS_BETWEEN_WORDS", 0.1)
    caplog.set_level("INFO", logger="tfdarts")
    ports = []
    for _ in range(2):
        with socket.socket() as free:
            free.bind(("", 0))
            ports.append(free.getsockname()[1])
    addresses = tuple(f"localhost:{port}" for port in ports)
    first = threading.Thread(target=wait_for_others, args=(addresses, 0))
    first.start()
    time.sleep(1)
    assert first.is_alive()
    assert f"still waiting for {addresses[1]}" in caplog.text
    wait_for_others(addresses, 1)
    # As TensorFlow does from now on.
    with cluster._listening(addresses[1]):
        first.join(10)
    assert not first.is_alive()
    assert not cluster._is_there("no.such.host.invalid:22")


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here")
def test_workers_may_be_known_by_ipv6():
    with socket.socket() as free:
        free.bind(("", 0))
        port = free.getsockname()[1]
    with cluster._listening(f"[::1]:{port}"):
        assert cluster._is_there(f"[::1]:{port}")
        assert cluster._is_there(f"127.0.0.1:{port}")
