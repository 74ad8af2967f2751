"""The devices that share each batch.

`tf.distribute` runs replicas as copies inside one graph. That builds every
graph once a device, and a sum over replicas cannot stand in a loop there, as
the batch norm of a recurrent cell needs it: the copies of a loop have other
names, and wait for each other for ever. Here a graph is built once, and each
device of a process runs it in a thread of its own.
"""

import functools
import queue
import re
import threading
import time

import keras
import tensorflow as tf

from tfdarts.cluster import ClusterError
from tfdarts.layers.replicas import Group
from tfdarts.layers.replicas import graph_of_replica
from tfdarts.layers.replicas import mean_over_replicas
from tfdarts.layers.replicas import num_replicas
from tfdarts.layers.replicas import replica_id
from tfdarts.layers.replicas import sum_over_replicas

_here = threading.local()
FIRST_KEY = 10_000
"""Keys of groups below are those of `tf.distribute` itself."""
KEYS_OF_A_WORKER = 1_000_000
_groups = {(): FIRST_KEY}
_broken = set()
"""Keys of groups of which a replica still waits for one that failed."""

GRACE = 10.0
"""Seconds that replicas are waited for when one of them has failed."""

_MISMATCH = re.compile(r"mismatch in the collective|joining a group with size")


def local_devices(kind=None):
    """Returns the names of this process' logical devices.

    TensorFlow lists those of all processes that have joined.

    Args:
        kind: String, as `"GPU"`. Defaults to all kinds.
    """
    own = tf.DeviceSpec.from_string(tf.zeros([]).device).task
    names = [device.name for device in tf.config.list_logical_devices(kind)]
    return [n for n in names if _task_of(n) in (None, own)]


def _task_of(name):
    """Which process a device is of, or `None` where there is only one."""
    return tf.DeviceSpec.from_string(name).task


class WorkerLostError(RuntimeError):
    """Another process, which computed together with this one, is gone."""


class Replicas:
    """Devices that each compute a share of every batch.

    What a step changes is kept once a process, and changed outside of
    replicas by what they have summed up. All processes change it alike.

    Args:
        devices: Sequence of the names of this process' devices. Defaults to
            one, that of TensorFlow's choice.
        worker: Integer, which of the processes this is. Defaults to `0`.
        num_workers: Integer, how many processes there are, all with as many
            devices. Defaults to `1`.

    Example:

    >>> replicas = Replicas(["CPU:0", "CPU:1"])
    >>> total = replicas.compiled(lambda x: sum_over_replicas(tf.reduce_sum(x)))
    >>> shares = replicas.shares(tf.constant([1.0, 2.0, 3.0, 4.0]))
    >>> [float(result) for result in replicas.run(total, shares)]
    [10.0, 10.0]
    """

    def __init__(self, devices=(None,), worker=0, num_workers=1):
        self.devices = tuple(devices)
        self.worker = worker
        self.num_workers = num_workers
        self.count = len(self.devices) * num_workers
        self.first = worker * len(self.devices)
        # What a process joins is the same group for all of its workers.
        which = self.devices if num_workers == 1 else ()
        self.group = Group(_key_of(which), self.count)
        self._mean = self.compiled(mean_over_replicas)
        self._gathered = self.compiled(_gathered_from_replicas)

    def compiled(self, function, compile=tf.function):
        """Returns a function compiled for every replica to call.

        Args:
            function: Function of structures of tensors. Inside,
                `sum_over_replicas` sums up.
            compile: Function that compiles. Defaults to `tf.function`.
        """
        if self.count == 1:
            return compile(function)
        return _OnReplicas(self.group, function, compile)

    def run(self, function, shares):
        """Lets each replica of this process call a function on its share.

        Args:
            function: Function of a share. It is Python; what it calls is
                compiled, and the same in all replicas.
            shares: List of structures, one a device of this process.

        Returns:
            List of what the replicas returned.

        Raises:
            WorkerLostError: If another process is gone.
            ClusterError: If another process computes something else.
        """
        if self.count == 1:
            return [function(shares[0])]
        try:
            return self._run(function, shares)
        except tf.errors.OpError as error:
            if self.num_workers > 1 and _MISMATCH.search(str(error)):
                raise ClusterError(
                    "The workers do not compute the same: start all of them "
                    "with the same command."
                ) from error
            if self.num_workers > 1 and _is_of_others(error):
                raise WorkerLostError(
                    "Another worker is gone, and this one cannot go on alone"
                ) from error
            raise

    def _run(self, function, shares):
        if len(self.devices) == 1:
            return [self._computed(function, 0, shares[0])]
        if self.group.key in _broken:
            raise RuntimeError(
                "A device has failed in the middle of a step, and the others "
                "still wait for it: start Python anew."
            )
        results = queue.SimpleQueue()
        threads = [
            # A replica whose partner has failed may never return.
            threading.Thread(
                target=self._put,
                args=(results, _filtering(), function, position, share),
                daemon=True,
            )
            for position, share in enumerate(shares)
        ]
        for thread in threads:
            thread.start()
        try:
            return self._collected(results)
        except BaseException:
            until = time.monotonic() + GRACE
            for thread in threads:
                thread.join(max(until - time.monotonic(), 0.0))
            if any(thread.is_alive() for thread in threads):
                _broken.add(self.group.key)
            raise

    def mean(self, tensors):
        """Returns the means over all replicas; every replica calls it.

        All tensors are summed up at once, as one vector.

        Args:
            tensors: Structure of tensors of one dtype and of known shapes.
        """
        return tensors if self.count == 1 else self._mean(tensors)

    def gathered(self, share):
        """Returns the rows of all replicas; every replica calls it.

        Args:
            share: Tensor, the rows of one.
        """
        return share if self.count == 1 else self._gathered(share)

    def shares(self, batch, micro_batches=1):
        """Returns what the replicas of this process compute of a batch.

        Args:
            batch: Structure of tensors with as many rows.
            micro_batches: Integer. Each replica gets its share of each of so
                many parts of the batch, one behind the other.

        Returns:
            List of structures, one a device of this process.

        Raises:
            ValueError: If the rows cannot be divided by the replicas.
        """
        if self.count == 1:
            return [batch]
        rows = len(tf.nest.flatten(batch)[0])
        if rows % (self.count * micro_batches):
            raise ValueError(
                f"A batch is shared by all devices, so it must be a multiple "
                f"of their number, {self.count}"
                + (
                    f", times the micro-batches, {micro_batches}"
                    if micro_batches > 1
                    else ""
                )
                + f". Received a batch of {rows}."
            )

        def rows_of(replica, tensor):
            shape = tensor.shape[1:]
            parts = tf.reshape(tensor, (micro_batches, self.count, -1, *shape))
            return tf.reshape(parts[:, replica], (-1, *shape))

        return [
            tf.nest.map_structure(
                lambda tensor, number=number: rows_of(number, tensor), batch
            )
            for number in range(self.first, self.first + len(self.devices))
        ]

    def padded_shares(self, batch):
        """Returns shares of a batch of any size, and which rows of it count.

        Args:
            batch: Structure of tensors with as many rows.

        Returns:
            List of tuples, one a device of this process, of a structure and
            a vector of a 1 for each row and a 0 for what only fills it up; or
            `None` with a single replica.
        """
        if self.count == 1:
            return [(batch, None)]
        rows = len(tf.nest.flatten(batch)[0])
        missing = -rows % self.count
        filled = tf.nest.map_structure(
            lambda t: tf.concat([t, tf.repeat(t[:1], missing, axis=0)], axis=0),
            batch,
        )
        counts = tf.concat([tf.ones(rows), tf.zeros(missing)], axis=0)
        return self.shares((filled, counts))

    def _computed(self, function, position, share):
        _here.replica = self.first + position
        with tf.device(self.devices[position]):
            return function(share)

    def _put(self, results, filtering, function, position, share):
        try:
            _filter(*filtering)
            results.put((position, self._computed(function, position, share)))
        except BaseException as error:
            results.put((None, error))

    def _collected(self, results):
        """Returns the results in order; raises the first error."""
        found = {}
        for _ in self.devices:
            position, result = results.get()
            if position is None:
                raise result
            found[position] = result
        return [found[position] for position in range(len(self.devices))]


class _OnReplicas:
    """A function that is compiled once and knows which replica runs it.

    Args:
        group: `tfdarts.layers.replicas.Group`.
        function: Function of structures of tensors.
        compile: Function that compiles.
    """

    def __init__(self, group, function, compile):
        self.group = group
        self.function = compile(functools.partial(self._placed, function))

    def __call__(self, *arguments):
        return self.function(tf.constant(_here.replica), *arguments)

    def get_concrete_function(self, *specs):
        number = tf.TensorSpec([], tf.int32)
        return self.function.get_concrete_function(number, *specs)

    def _placed(self, function, number, *arguments):
        with graph_of_replica(self.group, number):
            return function(*arguments)


def _key_of(devices):
    """The same devices are the same group, and those of others another."""
    task = (_task_of(devices[0] or "") if devices else None) or 0
    key = FIRST_KEY + KEYS_OF_A_WORKER * task + len(_groups)
    return _groups.setdefault(devices, key)


def _filtering():
    """Whether Keras and TensorFlow shorten tracebacks, each in each thread."""
    return (
        keras.config.is_traceback_filtering_enabled(),
        tf.debugging.is_traceback_filtering_enabled(),
    )


def _filter(of_keras, of_tensorflow):
    for config, wanted in (
        (keras.config, of_keras),
        (tf.debugging, of_tensorflow),
    ):
        if wanted:
            config.enable_traceback_filtering()
        else:
            config.disable_traceback_filtering()


def _is_of_others(error):
    """Whether it is the connection to other processes that failed."""
    broken = (
        tf.errors.UnavailableError,
        tf.errors.AbortedError,
        tf.errors.CancelledError,
        tf.errors.DeadlineExceededError,
    )
    return isinstance(error, broken) or "Collective ops is aborted" in str(
        error
    )


def _gathered_from_replicas(share):
    """The rows of all replicas, as the sum of each one's among zeros."""
    mine = tf.equal(tf.range(num_replicas()), replica_id())
    mine = tf.reshape(mine, (-1, *[1] * share.shape.rank))
    # Not a product, for that would spread what is not a number.
    rows = tf.where(mine, share[tf.newaxis], tf.zeros([], share.dtype))
    return tf.reshape(sum_over_replicas(rows), (-1, *share.shape[1:]))
