"""Which devices compute together."""

import collections
import functools
import logging
import signal
import socket
import threading
import time

import tensorflow as tf

from tfdarts.cluster import ClusterError
from tfdarts.cluster import is_of_many
from tfdarts.cluster import workers
from tfdarts.training.devices import Replicas

logger = logging.getLogger("tfdarts")

SECONDS_BETWEEN_WORDS = 30

CHOICES = ("none", "mirrored", "multiworker", "auto")


def replicas_of(distribute):
    """Returns the devices of a `--distribute` flag.

    With several workers it waits until all of them are there; what follows
    must be the same on all.

    Args:
        distribute: String.
            - `"none"`: one device.
            - `"mirrored"`: all GPUs of this machine, or all its logical CPUs
              where it has none.
            - `"multiworker"`: those of all processes that `TF_CONFIG` lists.
            - `"auto"`: `"multiworker"` where `TF_CONFIG` lists several
              processes, else `"mirrored"` where there are several GPUs, else
              `"none"`.

    Returns:
        `tfdarts.training.devices.Replicas`.

    Raises:
        ValueError: If there is no such choice.
        ClusterError: If the processes cannot be joined.

    Example:

    >>> replicas_of("none").count
    1
    """
    if distribute not in CHOICES:
        raise ValueError(
            f"--distribute must be one of {', '.join(CHOICES)}. "
            f"Received: {distribute}."
        )
    if is_of_many(distribute):
        return _of_workers()
    several = len(tf.config.list_logical_devices("GPU")) > 1
    if distribute in ("mirrored", "multiworker") or (
        distribute == "auto" and several
    ):
        _, devices = _devices_of_workers()
        return Replicas(devices[0])
    return Replicas()


def require_shares(replicas, batch_size, micro_batches=1):
    """Raises `ValueError` where a batch cannot be shared evenly.

    Args:
        replicas: `tfdarts.training.devices.Replicas`.
        batch_size: Integer, that of all devices together.
        micro_batches: Integer. Defaults to `1`.
    """
    if batch_size % (replicas.count * micro_batches):
        parts = f", times --micro_batches, {micro_batches}"
        raise ValueError(
            f"--batch_size is shared by all devices, so it must be a multiple "
            f"of their number, {replicas.count}"
            f"{parts if micro_batches > 1 else ''}. Received: {batch_size}."
        )


def _devices_of_workers():
    """Returns the names of the devices that compute, by worker.

    A process that is not one of many is worker 0.
    """
    for kind in ("GPU", "CPU"):
        found = collections.defaultdict(list)
        for device in tf.config.list_logical_devices(kind):
            spec = tf.DeviceSpec.from_string(device.name)
            found[spec.task or 0].append(device.name)
        if found:
            return kind, found
    raise ValueError("TensorFlow finds no device to compute on.")


@functools.cache
def _of_workers():
    """The devices of a cluster, which a process joins once."""
    addresses, index = workers()
    _wait_for_others(addresses, index)
    try:
        _join()
    except (RuntimeError, tf.errors.OpError) as error:
        raise ClusterError(
            f"Worker {index} at {addresses[index]} could not join the others "
            f"({', '.join(addresses)}): {str(error).strip().splitlines()[0]}. "
            f"Is the first of them reached under this name and port? In "
            f"Python, TensorFlow must not have computed anything before."
        ) from error
    kind, devices = _devices_of_workers()
    counts = [len(devices[worker]) for worker in range(len(addresses))]
    if len({*counts}) > 1:
        raise ClusterError(
            f"All workers must have as many {kind}s. They have "
            f"{', '.join(map(str, counts))}: hide those that are too many, "
            f"with CUDA_VISIBLE_DEVICES."
        )
    return Replicas(devices[index], index, len(addresses))


def _wait_for_others(addresses, index):
    """Waits until each of the other workers has been there.

    TensorFlow waits as well, but there a process can hardly be ended, and
    says nothing. A worker that is there listens at its port; so does
    TensorFlow, once a worker has seen all others.

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
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("", port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise ClusterError(
            f"This worker is to listen at {address}, but port {port} cannot "
            f"be used ({error.strerror}): give it another one in the "
            f"TF_CONFIG of all workers."
        ) from error
    return listener


def _is_there(address):
    """Whether somebody listens at an address; a name may come to be known."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
    except OSError:
        return False
    return True


def _join():
    """Connects the processes, which are watched over from then on.

    TensorFlow would keep SIGTERM to itself from then on.
    """
    handler = signal.getsignal(signal.SIGTERM)
    tf.distribute.MultiWorkerMirroredStrategy()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)
