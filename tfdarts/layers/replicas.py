"""The replicas that compute a step together, and sums over them.

`tf.distribute` runs replicas as copies inside one graph. That builds every
graph once a device, and a sum over replicas cannot stand in a loop there, as
the batch norm of a recurrent cell needs it: the copies of a loop have other
names, and wait for each other for ever. Here a graph is built once, and each
device of a process runs it in a thread of its own.
"""

import collections
import functools
import itertools
import math
import queue
import threading

import tensorflow as tf

_here = threading.local()
_collectives = itertools.count(1)
_groups = {}
FIRST_GROUP = 10_000
"""Numbers of groups below are those of `tf.distribute` itself."""

GRACE = 10.0
"""Seconds that replicas are waited for when one of them has failed."""


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
        key = self.devices, num_workers
        self.group = _groups.setdefault(key, FIRST_GROUP + len(_groups))
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
        return _OnReplicas(self, function, compile)

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
        """
        if self.count == 1:
            return [function(shares[0])]
        try:
            return self._run(function, shares)
        except tf.errors.OpError as error:
            if self.num_workers > 1 and _is_of_others(error):
                raise WorkerLostError(
                    "Another worker is gone, and this one cannot go on alone"
                ) from error
            raise

    def _run(self, function, shares):
        if len(self.devices) == 1:
            return [self._computed(function, 0, shares[0])]
        results = queue.SimpleQueue()
        for position, share in enumerate(shares):
            # A replica whose partner has failed may never return.
            threading.Thread(
                target=self._put,
                args=(results, function, position, share),
                daemon=True,
            ).start()
        return self._collected(results)

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

    def _put(self, results, function, position, share):
        try:
            results.put((position, self._computed(function, position, share)))
        except BaseException as error:
            results.put((None, error))

    def _collected(self, results):
        """Returns the results in order; raises the first error."""
        found, failed = {}, None
        for _ in self.devices:
            try:
                position, result = results.get(timeout=failed and GRACE)
            except queue.Empty:
                break
            if position is None:
                failed = failed or result
            else:
                found[position] = result
        if failed:
            raise failed
        return [found[position] for position in range(len(self.devices))]


class _OnReplicas:
    """A function that is compiled once and knows which replica runs it.

    Args:
        replicas: `Replicas`.
        function: Function of structures of tensors.
        compile: Function that compiles.
    """

    def __init__(self, replicas, function, compile):
        self.replicas = replicas
        self.function = compile(functools.partial(self._placed, function))

    def __call__(self, *arguments):
        return self.function(tf.constant(_here.replica), *arguments)

    def get_concrete_function(self, *specs):
        number = tf.TensorSpec([], tf.int32)
        return self.function.get_concrete_function(number, *specs)

    def _placed(self, function, number, *arguments):
        before = _tracing()
        _here.tracing = _Tracing(self.replicas, number)
        try:
            return function(*arguments)
        finally:
            _here.tracing = before


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


_Tracing = collections.namedtuple("_Tracing", ["replicas", "number"])
_Tracing.__doc__ = """What the graph that is being built is for.

Args:
    replicas: `Replicas`.
    number: Scalar tensor, which of them it will be.
"""


def _tracing():
    """Returns the `_Tracing` of the graph that is being built, or `None`."""
    return getattr(_here, "tracing", None)


def num_replicas():
    """Returns how many replicas compute the current step together."""
    if _tracing():
        return _tracing().replicas.count
    return tf.distribute.get_strategy().num_replicas_in_sync


def replica_id():
    """Returns which of the replicas this is, from 0 up."""
    if _tracing():
        return _tracing().number
    context = tf.distribute.get_replica_context()
    return context.replica_id_in_sync_group if context else 0


def own_rows(draw, rows):
    """Returns what a single device would draw for the rows of this replica.

    Args:
        draw: Function from a number of rows to a tensor of as many. It draws
            the same in all replicas.
        rows: Integer or scalar tensor, the rows of each replica.
    """
    if num_replicas() == 1:
        return draw(rows)
    first = replica_id() * rows
    return draw(num_replicas() * rows)[first : first + rows]


def sum_over_replicas(values):
    """Returns the sums over all replicas of a structure of tensors.

    It belongs into code that every replica runs, be it one of `Replicas` or
    of a strategy of `tf.distribute`; with one replica it returns the values.
    All tensors travel as one vector. It can be differentiated as often as
    wanted: the gradient of a sum is a sum.

    Args:
        values: Tensors of one dtype, of known shapes.
    """
    if num_replicas() == 1:
        return values
    if not _tracing():
        replica = tf.distribute.get_replica_context()
        return replica.all_reduce(tf.distribute.ReduceOp.SUM, values)
    if tf.is_tensor(values):
        return _summed(values)
    tensors = [tf.convert_to_tensor(t) for t in tf.nest.flatten(values)]
    vector = tf.concat([tf.reshape(t, [-1]) for t in tensors], axis=0)
    sizes = [math.prod(tensor.shape) for tensor in tensors]
    sums = tf.split(_summed(vector), sizes)
    return tf.nest.pack_sequence_as(
        values,
        [tf.reshape(s, t.shape) for s, t in zip(sums, tensors)],
    )


def mean_over_replicas(values):
    """Returns the means over all replicas; see `sum_over_replicas`."""
    count = num_replicas()
    return tf.nest.map_structure(
        lambda total: total / count, sum_over_replicas(values)
    )


def _gathered_from_replicas(share):
    """The rows of all replicas, as the sum of each one's among zeros."""
    mine = tf.one_hot(replica_id(), num_replicas(), dtype=share.dtype)
    mine = tf.reshape(mine, (-1, *[1] * share.shape.rank))
    rows = sum_over_replicas(mine * share[tf.newaxis])
    return tf.reshape(rows, (-1, *share.shape[1:]))


@tf.custom_gradient
def _summed(tensor):
    """The sum of a tensor over all replicas.

    It is TensorFlow's own operation. What `tf.distribute` has around it asks
    all replicas of a process to meet while the graph is built.
    """
    replicas, _ = _tracing()
    total = tf.raw_ops.CollectiveReduceV2(
        input=tensor,
        group_size=replicas.count,
        group_key=replicas.group,
        instance_key=next(_collectives),
        ordering_token=[],
        merge_op="Add",
        final_op="Id",
        # Others, as NCCL, would have to be started in the same order on all
        # devices.
        communication_hint="ring",
    )
    return total, _summed
