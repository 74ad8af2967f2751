"""Which devices compute together: strategies of `tf.distribute`."""

import collections
import ctypes
import functools
import signal
import threading

import tensorflow as tf

from tfdarts.cluster import SECONDS_TO_JOIN
from tfdarts.cluster import ClusterError
from tfdarts.cluster import is_of_many
from tfdarts.cluster import wait_for_others
from tfdarts.cluster import workers

CHOICES = ("none", "mirrored", "multiworker", "auto")


def distribution_of(distribute):
    """Returns the devices of a `--distribute` flag.

    With several workers it waits until all of them are there; what follows
    must be the same on all.

    Args:
        distribute: String.
            - `"none"`: one device.
            - `"mirrored"`: all GPUs of this machine, or all its logical CPUs
              where it has none.
            - `"multiworker"`: those of all processes that `TF_CONFIG` lists:
              all GPUs of each, or a CPU of each where they have none.
            - `"auto"`: `"multiworker"` where `TF_CONFIG` lists several
              processes, else `"mirrored"` where there are several GPUs, else
              `"none"`.

    Returns:
        A `tf.distribute.Strategy`: `MirroredStrategy`,
        `MultiWorkerMirroredStrategy`, or TensorFlow's default one, which is
        of one device. It is the same object as often as one asks.

    Raises:
        ValueError: If there is no such choice.
        ClusterError: If the processes cannot be joined.

    Example:

    >>> distribution_of("none").num_replicas_in_sync
    1
    """
    if distribute not in CHOICES:
        raise ValueError(
            f"--distribute must be one of {', '.join(CHOICES)}. "
            f"Received: {distribute}."
        )
    if is_of_many(distribute):
        return _of_workers()
    devices = () if distribute == "none" else local_devices("GPU")
    if distribute in ("mirrored", "multiworker"):
        devices = devices or local_devices("CPU")
    if len(devices) < 2:
        return tf.distribute.get_strategy()
    return mirrored(devices)


def local_devices(kind=None):
    """Returns the names of this process' logical devices, a tuple.

    TensorFlow lists those of all processes that have joined.

    Args:
        kind: String, as `"GPU"`. Defaults to all kinds.
    """
    own = tf.DeviceSpec.from_string(tf.zeros([]).device).task
    names = [device.name for device in tf.config.list_logical_devices(kind)]
    return tuple(n for n in names if _task_of(n) in (None, own))


def require_shares(distribution, batch_size, micro_batches=1):
    """Raises `ValueError` where a batch cannot be shared evenly.

    Args:
        distribution: `tf.distribute.Strategy`.
        batch_size: Integer, that of all devices together.
        micro_batches: Integer. Defaults to `1`.
    """
    count = distribution.num_replicas_in_sync
    if batch_size % (count * micro_batches):
        parts = f", times --micro_batches, {micro_batches}"
        raise ValueError(
            f"--batch_size is shared by all devices, so it must be a multiple "
            f"of their number, {count}"
            f"{parts if micro_batches > 1 else ''}. Received: {batch_size}."
        )


@functools.cache
def mirrored(devices):
    """Returns the strategy of devices, of which a process can have only one.

    Args:
        devices: Tuple of names.
    """
    return tf.distribute.MirroredStrategy(list(devices))


@functools.cache
def _of_workers():
    """The strategy of a cluster, which a process joins once."""
    addresses, index = workers()
    wait_for_others(tuple(addresses), index)
    try:
        strategy = _joined()
    except (RuntimeError, tf.errors.OpError) as error:
        raise ClusterError(
            f"Worker {index} at {addresses[index]} could not join the others "
            f"({', '.join(addresses)}): {str(error).strip().splitlines()[0]}. "
            f"Is the first of them reached under this name and port? In "
            f"Python, TensorFlow must not have computed anything before."
        ) from error
    _require_as_many_gpus(len(addresses))
    return strategy


def _require_as_many_gpus(num_workers):
    found = collections.Counter(
        _task_of(device.name)
        for device in tf.config.list_logical_devices("GPU")
    )
    counts = [found[worker] for worker in range(num_workers)]
    if len({*counts}) > 1:
        raise ClusterError(
            f"All workers must have as many GPUs. They have "
            f"{', '.join(map(str, counts))}: hide those that are too many, "
            f"with CUDA_VISIBLE_DEVICES."
        )


def _task_of(name):
    """Which process a device is of, or `None` where there is only one."""
    return tf.DeviceSpec.from_string(name).task


def _joined():
    """Connects the processes, which TensorFlow watches over from then on.

    TensorFlow holds Python's lock meanwhile, and waits for an hour for a worker
    that ends before it has joined. So signals must end the process without
    Python, and TensorFlow would keep SIGTERM to itself for ever.
    """
    if threading.current_thread() is not threading.main_thread():
        return tf.distribute.MultiWorkerMirroredStrategy()
    numbers = signal.SIGINT, signal.SIGTERM, signal.SIGALRM
    handlers = {number: signal.getsignal(number) for number in numbers}
    if handlers[signal.SIGINT] is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    # The kernel does not end the first process of a container by a signal
    # without a handler. This one gets the signal's number as the exit code.
    libc = ctypes.CDLL(None)
    libc.signal(signal.SIGALRM, libc._exit)
    signal.alarm(SECONDS_TO_JOIN)
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    finally:
        signal.alarm(0)
        for number, handler in handlers.items():
            signal.signal(number, handler or signal.SIG_DFL)
