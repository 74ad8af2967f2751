"""Workers, the addresses of `TF_CONFIG`, and a barrier before they join."""

import contextlib
import functools
import json
import logging
import os
import re
import select
import socket
import time
import zlib

logger = logging.getLogger("tfdarts")

SECONDS_BETWEEN_LOGS = 30
SECONDS_TO_JOIN = 120
"""Seconds that TensorFlow gets to connect workers that have all started."""

_PAUSE = 0.5
_ANSWER = b"tfdarts: all workers are there\n"
_MOST_BYTES = 1024

_GREETING = re.compile(rb"tfdarts worker (\d+) of [0-9a-f]{8}\n")
_ADDRESS = re.compile(r"\S+:(\d{1,5})")


class ClusterError(ValueError):
    """The workers cannot train together."""


class WorkerLostError(RuntimeError):
    """Raised when the connection to another worker is lost."""


def worker_name(process_id):
    """Returns the name of a process of this machine as a worker.

    Args:
        process_id: Integer.
    """
    return f"{socket.gethostname()}-{process_id}"


def address(value, name):
    """Returns an address in the form of a flag, such as `"localhost:7000"`.

    Args:
        value: String, a host and a port; or `None`, which is returned.
        name: String, the name of the argument in errors.

    Raises:
        ClusterError: If the value is no address.
    """
    if value is None or isinstance(value, str) and _is_address(value):
        return value
    raise ClusterError(
        f"{name} must be a host and a port, such as 127.0.0.1:7000. Received: "
        f"{value!r}."
    )


def workers():
    """Returns the addresses of all workers and the index of this worker.

    Both come from `TF_CONFIG`.

    Returns:
        List of strings, empty if `TF_CONFIG` names no workers, and an integer.

    Raises:
        ClusterError: If `TF_CONFIG` is invalid.

    Reference:

    - https://www.tensorflow.org/guide/distributed_training
    """
    text = os.environ.get("TF_CONFIG", "")
    try:
        config = json.loads(text or "{}")
        cluster = config.get("cluster") or {}
        if not cluster:
            return [], 0
        addresses, task = cluster["worker"], config["task"]
        index = int(task["index"])
        if (
            {*cluster} == {"worker"}
            and task["type"] == "worker"
            and 0 <= index < len(addresses) == len({*addresses})
            and all(map(_is_address, addresses))
        ):
            return list(addresses), index
    except (ValueError, LookupError, TypeError, AttributeError):
        pass  # The error is raised below.
    raise ClusterError(
        'TF_CONFIG must look like {"cluster": {"worker": ["first:2222", '
        '"second:2222"]}, "task": {"type": "worker", "index": 0}}. Every '
        "address needs a port. The list must be the same for all workers; "
        "the index is the position of a worker in it, from 0. Received: "
        f"{text}"
    )


def _is_address(text):
    found = _ADDRESS.fullmatch(text)
    return bool(found) and 0 < int(found[1]) < 2**16


def is_one_of_several(distribute):
    """Returns whether this process is one of several workers.

    Args:
        distribute: String, see `tfdarts.distribution_of`.

    Raises:
        ClusterError: If `TF_CONFIG` does not list the workers.
    """
    if distribute == "multiworker" and not workers()[0]:
        raise ClusterError(
            "--distribute=multiworker reads the list of workers from "
            "TF_CONFIG, which is not set: set TF_CONFIG in the environment "
            "of each worker, as docs/distribution shows. For the devices of "
            "one machine, give --distribute=mirrored."
        )
    return distribute in ("multiworker", "auto") and len(workers()[0]) > 1


def is_chief(distribute):
    """Returns whether this process is the chief, or the only process.

    Only the chief, which is the first worker, writes files.

    Args:
        distribute: See `is_one_of_several`.
    """
    return not (is_one_of_several(distribute) and workers()[1] > 0)


@functools.cache
def wait_for_workers(addresses, index):
    """Waits at a barrier until all workers have started, once per process.

    TensorFlow's own barrier logs nothing, and a process that waits there
    ignores signals. A worker of an earlier start that is about to
    end may still listen at its port. So each worker sends a greeting to the
    first worker once it has reached all others, and the first worker answers
    after all greetings.

    Args:
        addresses: Tuple of strings, the addresses of all workers.
        index: Integer, the index of this worker.

    Raises:
        ClusterError: If another process uses this worker's port.
    """
    waiting = _WaitLog()
    missing = [a for a in addresses if a != addresses[index]]
    with _listen(addresses[index]) as listener:
        while missing := [each for each in missing if not _is_listening(each)]:
            waiting.log(missing)
            time.sleep(_PAUSE)
        if index:
            _greet_chief(addresses, index, waiting)
        else:
            _answer_others(listener, addresses, waiting)
    logger.info(
        "all workers have started and now connect; if connecting takes more "
        "than %d seconds, a worker was lost, and this worker ends with exit "
        "code 14",
        SECONDS_TO_JOIN,
    )


class _WaitLog:
    """Logs which workers are missing and which have another worker list."""

    def __init__(self):
        self.last_log = time.monotonic()
        self.others = set()

    def log(self, missing):
        if time.monotonic() > self.last_log + SECONDS_BETWEEN_LOGS:
            logger.info(
                "still waiting for %s; the TF_CONFIG of all workers must list "
                "the same addresses in the same order",
                ", ".join(missing),
            )
            self.last_log = time.monotonic()

    def warn_of(self, greeting):
        """Warns once of each worker with another list of workers.

        The worker may belong to an earlier start, so waiting continues.
        """
        found = _GREETING.fullmatch(greeting)
        if found and greeting not in self.others:
            self.others.add(greeting)
            logger.warning(
                "worker %d has another list of workers in its TF_CONFIG, so "
                "this worker does not answer it: start all workers with the "
                "same list, in the same order",
                int(found[1]),
            )


def _greet_chief(addresses, index, waiting):
    """Greets the first worker until it answers."""
    while True:
        with (
            contextlib.suppress(OSError),
            _connect(addresses[0]) as connection,
        ):
            connection.sendall(_greeting(addresses, index))
            while not _has_received(connection, _PAUSE):
                waiting.log(addresses[:1])
            if connection.recv(len(_ANSWER)) == _ANSWER:
                return
        # The other end was TensorFlow's server, or the worker has ended.
        waiting.log(addresses[:1])
        time.sleep(_PAUSE)


def _answer_others(listener, addresses, waiting):
    """Answers once all other workers are connected and have greeted."""
    indices = {_greeting(addresses, i): i for i in range(1, len(addresses))}
    connections = {}
    listener.settimeout(_PAUSE)
    while missing := [
        addresses[index]
        for index in indices.values()
        if index not in connections or _has_received(connections[index])
    ]:
        waiting.log(missing)
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            connection = stack.enter_context(listener.accept()[0])
            _set_keep_alive(connection)
            greeting = connection.recv(_MOST_BYTES)
            if greeting not in indices:
                waiting.warn_of(greeting)
                continue
            index = indices[greeting]
            if index in connections:
                connections[index].close()
            connections[index] = connection
            stack.pop_all()
    for connection in connections.values():
        with contextlib.suppress(OSError), connection:
            connection.sendall(_ANSWER)


def _greeting(addresses, index):
    """Returns the greeting of a worker, with a checksum of the addresses."""
    checksum = zlib.crc32(",".join(addresses).encode())
    return f"tfdarts worker {index} of {checksum:08x}\n".encode()


def _has_received(connection, seconds=0):
    """Returns whether a read would not block; also true if the peer ended."""
    return bool(select.select([connection], [], [], seconds)[0])


def _connect(address):
    host, _, port = address.rpartition(":")
    connection = socket.create_connection((host.strip("[]"), int(port)), 2)
    _set_keep_alive(connection)
    return connection


def _set_keep_alive(connection):
    """Sets keep-alive and a timeout, to notice a lost connection."""
    connection.settimeout(_PAUSE)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10)


def _listen(address):
    """Returns a socket that accepts the connections of other workers."""
    port = int(address.rpartition(":")[2])
    both = socket.has_dualstack_ipv6()
    try:
        return socket.create_server(
            ("", port),
            family=socket.AF_INET6 if both else socket.AF_INET,
            backlog=128,
            dualstack_ipv6=both,
        )
    except OSError as error:
        raise ClusterError(
            f"This worker must listen at {address}, but port {port} cannot "
            f"be used ({os.strerror(error.errno)}): give this worker another "
            "port in the TF_CONFIG of all workers."
        ) from error


def _is_listening(address):
    """Returns whether a process listens at an address.

    The name may become known later, so an unknown name is no error.
    """
    try:
        _connect(address).close()
    except OSError:
        return False
    return True
