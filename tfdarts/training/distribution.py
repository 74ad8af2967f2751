"""The devices that train a model together: strategies of `tf.distribute`."""

import collections
import ctypes
import functools
import signal
import threading

import tensorflow as tf

from tfdarts.cluster import SECONDS_TO_JOIN
from tfdarts.cluster import ClusterError
from tfdarts.cluster import is_one_of_several
from tfdarts.cluster import wait_for_workers
from tfdarts.cluster import workers

CHOICES = ("none", "mirrored", "multiworker", "auto")


def distribution_of(distribute: str) -> tf.distribute.Strategy:
    """Returns the `tf.distribute` strategy of a `--distribute` flag.

    With several workers the function waits until all of them have started.
    Afterwards all workers must run the same code.

    Args:
        distribute: String.
            - `"none"`: one device.
            - `"mirrored"`: all GPUs of this machine, or all its logical CPUs
              if it has no GPU.
            - `"multiworker"`: the devices of all processes in `TF_CONFIG`:
              all GPUs of each process, or one CPU each without GPUs.
            - `"auto"`: `"multiworker"` if `TF_CONFIG` lists several
              processes, else `"mirrored"` if there are several GPUs, else
              `"none"`.

    Returns:
        A `tf.distribute.Strategy`: `MirroredStrategy`,
        `MultiWorkerMirroredStrategy`, or TensorFlow's default strategy of one
        device. Repeated calls return the same object.

    Raises:
        ValueError: If the choice is unknown.
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
    if is_one_of_several(distribute):
        return _worker_strategy()
    devices = () if distribute == "none" else local_devices("GPU")
    if distribute in ("mirrored", "multiworker"):
        devices = devices or local_devices("CPU")
    if len(devices) < 2:
        return tf.distribute.get_strategy()
    return mirrored_strategy(devices)


def local_devices(kind=None):
    """Returns the names of this process' logical devices, a tuple.

    TensorFlow's own function also lists the devices of other workers.

    Args:
        kind: String, such as `"GPU"`. Defaults to all kinds.
    """
    own = tf.DeviceSpec.from_string(tf.zeros([]).device).task
    names = [device.name for device in tf.config.list_logical_devices(kind)]
    return tuple(n for n in names if _task_of(n) in (None, own))


def require_divisible_batch(distribution, batch_size, micro_batches=1):
    """Raises `ValueError` if a batch cannot be split evenly.

    Args:
        distribution: `tf.distribute.Strategy`.
        batch_size: Integer, the size of the batch of all devices.
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
def mirrored_strategy(devices):
    """Returns the `MirroredStrategy` of some devices, cached in this process.

    Args:
        devices: Tuple of names.
    """
    return tf.distribute.MirroredStrategy(list(devices))


@functools.cache
def _worker_strategy():
    """Returns the strategy of all workers; joins them at the first call."""
    addresses, index = workers()
    wait_for_workers(tuple(addresses), index)
    try:
        strategy = _join_workers()
    except (RuntimeError, tf.errors.OpError) as error:
        raise ClusterError(
            f"Worker {index} at {addresses[index]} could not join the others "
            f"({', '.join(addresses)}): {str(error).strip().splitlines()[0]}. "
            "Can this worker reach the chief, the first of them, under this "
            "name and port? In Python, TensorFlow must not have computed "
            "anything before."
        ) from error
    _require_equal_gpus(len(addresses))
    return strategy


def has_joined_workers():
    """Returns whether this process has joined other workers."""
    return _worker_strategy.cache_info().currsize > 0


def _require_equal_gpus(num_workers):
    found = collections.Counter(
        _task_of(device.name)
        for device in tf.config.list_logical_devices("GPU")
    )
    counts = [found[worker] for worker in range(num_workers)]
    if len({*counts}) > 1:
        raise ClusterError(
            "All workers must have the same number of GPUs. They have "
            f"{', '.join(map(str, counts))}: hide the extra GPUs with "
            "CUDA_VISIBLE_DEVICES."
        )


def _task_of(name):
    """Returns the worker index of a device, or `None` without workers."""
    return tf.DeviceSpec.from_string(name).task


def _join_workers():
    """Connects the workers; TensorFlow monitors them from then on.

    Meanwhile TensorFlow holds Python's global interpreter lock, and waits an
    hour for a worker that ends before it has joined. So signals must end the
    process without Python. TensorFlow would also keep its handler of SIGTERM
    for ever, so all handlers are restored.
    """
    if threading.current_thread() is not threading.main_thread():
        return tf.distribute.MultiWorkerMirroredStrategy()
    numbers = signal.SIGINT, signal.SIGTERM, signal.SIGALRM
    handlers = {number: signal.getsignal(number) for number in numbers}
    if handlers[signal.SIGINT] is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    # The kernel does not end the first process of a container by a signal
    # without a handler. `_exit` ends it, with the signal's number as the code.
    libc = ctypes.CDLL(None)
    libc.signal(signal.SIGALRM, libc._exit)
    signal.alarm(SECONDS_TO_JOIN)
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    finally:
        signal.alarm(0)
        for number, handler in handlers.items():
            signal.signal(number, handler or signal.SIG_DFL)
