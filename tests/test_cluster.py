"""Which processes compute together."""

import contextlib
import json
import socket
import threading
import time

import pytest

from tfdarts import cluster
from tfdarts.cluster import ClusterError
from tfdarts.cluster import is_chief
from tfdarts.cluster import is_one_of_several
from tfdarts.cluster import wait_for_workers
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
    with pytest.raises(
        ClusterError, match='TF_CONFIG must look like {"cluster"'
    ):
        workers()


def test_the_first_of_many_writes(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", of_task(1))
    assert not is_chief("multiworker") and not is_chief("auto")
    assert is_chief("none") and is_chief("mirrored")
    monkeypatch.setenv("TF_CONFIG", of_task(0))
    assert is_one_of_several("auto") and is_chief("auto")
    alone = {"cluster": {"worker": ["a:1"]}}
    alone["task"] = {"type": "worker", "index": 0}
    monkeypatch.setenv("TF_CONFIG", json.dumps(alone))
    assert not is_one_of_several("multiworker")


def test_the_workers_must_be_known(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert not is_one_of_several("auto") and not is_one_of_several("mirrored")
    with pytest.raises(ClusterError, match="set TF_CONFIG in the environment"):
        is_one_of_several("multiworker")


@pytest.fixture
def addresses(monkeypatch, caplog):
    """Those of three workers, which wait impatiently."""
    monkeypatch.setattr(cluster, "SECONDS_BETWEEN_LOGS", 0.1)
    monkeypatch.setattr(cluster, "_PAUSE", 0.05)
    caplog.set_level("INFO", logger="tfdarts")
    free = [socket.create_server(("", 0)) for _ in range(3)]
    ports = [each.getsockname()[1] for each in free]
    for each in free:
        each.close()
    return tuple(f"localhost:{port}" for port in ports)


@pytest.fixture
def waiting(addresses):
    """Lets a worker wait in a thread, which it returns."""
    begun = []

    def wait(index):
        # What is kept of a call is kept a process.
        function = wait_for_workers.__wrapped__
        thread = threading.Thread(target=function, args=(addresses, index))
        thread.daemon = True
        thread.start()
        begun.append(thread)
        while thread.is_alive() and not cluster._is_listening(addresses[index]):
            time.sleep(0.01)
        return thread

    yield wait
    for thread in begun:
        thread.join(10)
        assert not thread.is_alive()


def said_soon(caplog, text):
    limit = time.monotonic() + 10
    while text not in caplog.text:
        assert time.monotonic() < limit, caplog.text
        time.sleep(0.01)


@pytest.mark.parametrize("last", [0, 1])
def test_workers_wait_for_each_other(addresses, waiting, caplog, last):
    """One comes late, and is asked for by name meanwhile."""
    early = [waiting(index) for index in range(3) if index != last]
    said_soon(caplog, f"still waiting for {addresses[last]}")
    assert all(thread.is_alive() for thread in early)
    assert "all workers have started" not in caplog.text
    waiting(last)
    for thread in early:
        thread.join(10)
    said_soon(
        caplog,
        "all workers have started and now connect; if connecting takes more ",
    )
    assert not cluster._is_listening("no.such.host.invalid:22")


@contextlib.contextmanager
def running(address):
    """A worker of before: TensorFlow's server talks of its own accord."""
    port = int(address.rpartition(":")[2])
    with socket.create_server(("", port)) as server:

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    connection.sendall(b"\0\0\x12\x04" + bytes(32))
                    connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.mark.parametrize("old", [0, 2])
def test_a_worker_of_before_is_not_taken_for_the_new_one(
    addresses, waiting, caplog, old
):
    with running(addresses[old]):
        early = [waiting(index) for index in range(3) if index != old]
        # The first tells whom it misses; it is what the others miss.
        said_soon(caplog, f"still waiting for {addresses[old]}")
        early[0].join(1)
        assert all(thread.is_alive() for thread in early)
        assert "all workers have started" not in caplog.text
    waiting(old)


def test_a_worker_that_ends_while_it_waits_is_waited_for_again(
    addresses, waiting, caplog
):
    """It had greeted the first already."""
    waiting(0)
    with cluster._listen(addresses[1]), cluster._listen(addresses[2]):
        gone = cluster._connect(addresses[0])
        gone.sendall(cluster._greeting(addresses, 1))
        said_soon(caplog, f"still waiting for {addresses[2]}")
        gone.close()
        caplog.clear()
        said_soon(caplog, f"still waiting for {addresses[1]}, {addresses[2]}")
    waiting(2)
    waiting(1)


def test_a_first_worker_that_ends_is_greeted_again(addresses, waiting, caplog):
    with cluster._listen(addresses[0]) as first:
        others = [waiting(1), waiting(2)]
        accepted = []
        while len(accepted) < 2:
            connection, _ = first.accept()
            if b"tfdarts worker" in connection.recv(100):
                accepted.append(connection)
            else:
                connection.close()
    for connection in accepted:
        connection.close()
    said_soon(caplog, f"still waiting for {addresses[0]}")
    assert all(thread.is_alive() for thread in others)
    waiting(0)


def test_workers_of_another_cluster_are_not_answered(
    addresses, waiting, caplog
):
    waiting(0)
    with cluster._listen(addresses[1]), cluster._listen(addresses[2]):
        for index in (1, 2, 1):
            with cluster._connect(addresses[0]) as connection:
                connection.sendall(cluster._greeting(addresses[:2], index))
                said_soon(caplog, f"worker {index} has another list of workers")
                assert connection.recv(1) == b""
        said_soon(caplog, f"still waiting for {addresses[1]}, {addresses[2]}")
    assert caplog.text.count("worker 1 has another list") == 1
    waiting(1)
    waiting(2)


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here")
def test_workers_may_be_known_by_ipv6():
    with socket.socket() as free:
        free.bind(("", 0))
        port = free.getsockname()[1]
    with cluster._listen(f"[::1]:{port}"):
        assert cluster._is_listening(f"[::1]:{port}")
        assert cluster._is_listening(f"127.0.0.1:{port}")
