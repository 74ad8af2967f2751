"""Which devices compute together."""

import collections
import functools
import signal
import threading

import tensorflow as tf

from tfdarts.cluster import ClusterError
from tfdarts.cluster import is_of_many
from tfdarts.cluster import wait_for_others
from tfdarts.cluster import workers
from tfdarts.training.devices import Replicas
from tfdarts.training.devices import local_devices

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
    gpus = local_devices("GPU")
    if distribute in ("mirrored", "multiworker") or (
        distribute == "auto" and len(gpus) > 1
    ):
        return Replicas(gpus or local_devices("CPU"))
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
    """Returns the kind and names of the devices that compute, by worker."""
    for kind in ("GPU", "CPU"):
        found = collections.defaultdict(list)
        for device in tf.config.list_logical_devices(kind):
            spec = tf.DeviceSpec.from_string(device.name)
            found[spec.task].append(device.name)
        if found:
            return kind, found
    raise ValueError("TensorFlow finds no device to compute on.")


@functools.cache
def _of_workers():
    """The devices of a cluster, which a process joins once."""
    addresses, index = workers()
    wait_for_others(tuple(addresses), index)
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


def _join():
    """Connects the processes, which are watched over from then on.

    TensorFlow waits for those that it has seen, be they left over from before,
    and Python stands still meanwhile: Ctrl-C must end the process as if it
    were none of Python's. SIGTERM TensorFlow would keep to itself for ever.
    """
    if threading.current_thread() is not threading.main_thread():
        tf.distribute.MultiWorkerMirroredStrategy()
        return
    handlers = {
        number: signal.getsignal(number)
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    if handlers[signal.SIGINT] is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        # Not kept, but for a method of it, in the thread that watches.
        tf.distribute.MultiWorkerMirroredStrategy()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler or signal.SIG_DFL)
