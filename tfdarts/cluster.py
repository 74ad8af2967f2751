"""Which processes compute together, as the environment says."""

import functools
import json
import logging
import os
import re
import socket
import time

logger = logging.getLogger("tfdarts")

SECONDS_BETWEEN_WORDS = 30

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
    """Waits until each of the other workers has been there, once a process.

    TensorFlow waits as well, but there a process can hardly be ended, and
    says nothing. A worker that is there listens at its port; so does
    TensorFlow, once a worker has seen all others.

    Args:
        addresses: Tuple of strings, those of all workers.
        index: Integer, which of them this is.

    Raises:
        ClusterError: If another process has this worker's port.
    """
    missing = [a for a in addresses if a != addresses[index]]
    said = time.monotonic()
    with _listening(addresses[index]):
        while missing:
            missing = [each for each in missing if not _is_there(each)]
            if missing and time.monotonic() > said + SECONDS_BETWEEN_WORDS:
                logger.info("still waiting for %s", ", ".join(missing))
                said = time.monotonic()
            time.sleep(0.5 if missing else 0.0)


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
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), 2).close()
    except OSError:
        return False
    return True
