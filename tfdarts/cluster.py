"""Which processes compute together, as the environment says."""

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

SECONDS_BETWEEN_WORDS = 30
SECONDS_TO_JOIN = 120
"""What TensorFlow gets to connect workers that are all there."""

_PAUSE = 0.5
_ANSWER = b"tfdarts: all workers are there\n"
_MOST_BYTES = 1024

_GREETING = re.compile(rb"tfdarts worker (\d+) of [0-9a-f]{8}\n")
_ADDRESS = re.compile(r"\S+:(\d{1,5})")


class ClusterError(ValueError):
    """The processes that are to compute together cannot."""


def workers():
    """Returns the addresses of all workers, and which of them this is.

    They are those of `TF_CONFIG`.

    Returns:
        List of strings, empty where none are named, and an integer.

    Raises:
        ClusterError: If it does not say so.

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
        pass  # It is said below.
    raise ClusterError(
        'TF_CONFIG must be as {"cluster": {"worker": ["first:2222", '
        '"second:2222"]}, "task": {"type": "worker", "index": 0}}, the same '
        "for all workers but for the index, their place in the list, counted "
        f"from 0; each address with a port. Received: {text}"
    )


def _is_address(text):
    found = _ADDRESS.fullmatch(text)
    return bool(found) and 0 < int(found[1]) < 2**16


def is_of_many(distribute):
    """Returns whether this process is one of several workers.

    Args:
        distribute: String, see `tfdarts.training.distribution.distribution_of`.

    Raises:
        ClusterError: If the environment does not say who the workers are.
    """
    if distribute == "multiworker" and not workers()[0]:
        raise ClusterError(
            "--distribute=multiworker needs to know the other workers: set "
            "TF_CONFIG in the environment of each, as docs/distribution "
            "shows. For the devices of one machine give "
            "--distribute=mirrored."
        )
    return distribute in ("multiworker", "auto") and len(workers()[0]) > 1


def is_follower(distribute):
    """Returns whether this process only follows another, and writes nothing.

    Args:
        distribute: See `is_of_many`.
    """
    return is_of_many(distribute) and workers()[1] > 0


@functools.cache
def wait_for_others(addresses, index):
    """Waits until all workers wait for each other, once a process.

    TensorFlow waits as well, but there a process can hardly be ended, and
    says nothing. A worker of an earlier start, which is about to end, still
    listens at its port. So each worker greets the first when it reaches all
    others, and the first answers when all have greeted it.

    Args:
        addresses: Tuple of strings, those of all workers.
        index: Integer, which of them this is.

    Raises:
        ClusterError: If another process has this worker's port.
    """
    waiting = _Waiting()
    missing = [a for a in addresses if a != addresses[index]]
    with _listening(addresses[index]) as listener:
        while missing := [each for each in missing if not _is_there(each)]:
            waiting.say(missing)
            time.sleep(_PAUSE)
        if index:
            _greet_first(addresses, index, waiting)
        else:
            _answer_others(listener, addresses, waiting)
    logger.info(
        "all workers are there and join; if that takes more than %d seconds, "
        "one was lost, and this one ends with exit code 14",
        SECONDS_TO_JOIN,
    )


class _Waiting:
    """Says now and then who is missing, and who has another list."""

    def __init__(self):
        self.said = time.monotonic()
        self.others = set()

    def say(self, missing):
        if time.monotonic() > self.said + SECONDS_BETWEEN_WORDS:
            logger.info(
                "still waiting for %s; the TF_CONFIG of all workers must list "
                "the same addresses in the same order",
                ", ".join(missing),
            )
            self.said = time.monotonic()

    def warn_of(self, greeting):
        """Warns once of each worker with another list.

        It may be of an earlier start, and is waited for.
        """
        found = _GREETING.fullmatch(greeting)
        if found and greeting not in self.others:
            self.others.add(greeting)
            logger.warning(
                "worker %d has another list of workers in its TF_CONFIG and "
                "is not answered: start all with the same list, in the same "
                "order",
                int(found[1]),
            )


def _greet_first(addresses, index, waiting):
    """Greets the first worker until it answers."""
    while True:
        with (
            contextlib.suppress(OSError),
            _connected(addresses[0]) as connection,
        ):
            connection.sendall(_greeting(addresses, index))
            while not _has_received(connection, _PAUSE):
                waiting.say(addresses[:1])
            if connection.recv(len(_ANSWER)) == _ANSWER:
                return
        # That was TensorFlow's server, or the worker has ended.
        waiting.say(addresses[:1])
        time.sleep(_PAUSE)


def _answer_others(listener, addresses, waiting):
    """Answers when all other workers have sent a greeting, and are there."""
    indices = {_greeting(addresses, i): i for i in range(1, len(addresses))}
    connections = {}
    listener.settimeout(_PAUSE)
    while missing := [
        addresses[index]
        for index in indices.values()
        if index not in connections or _has_received(connections[index])
    ]:
        waiting.say(missing)
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            connection = stack.enter_context(listener.accept()[0])
            _keep_watch(connection)
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
    """Returns what a worker says to the first of the same workers."""
    checksum = zlib.crc32(",".join(addresses).encode())
    return f"tfdarts worker {index} of {checksum:08x}\n".encode()


def _has_received(connection, seconds=0):
    """Returns whether there is something to read, as where a worker ends."""
    return bool(select.select([connection], [], [], seconds)[0])


def _connected(address):
    host, _, port = address.rpartition(":")
    connection = socket.create_connection((host.strip("[]"), int(port)), 2)
    _keep_watch(connection)
    return connection


def _keep_watch(connection):
    """Lets the system notice when the machine at the other end is gone."""
    connection.settimeout(_PAUSE)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10)


def _listening(address):
    """Returns a socket that accepts, for others, and does no more."""
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
            f"This worker is to listen at {address}, but port {port} cannot "
            f"be used ({os.strerror(error.errno)}): give it another one in the "
            f"TF_CONFIG of all workers."
        ) from error


def _is_there(address):
    """Whether somebody listens at an address; a name may come to be known."""
    try:
        _connected(address).close()
    except OSError:
        return False
    return True
