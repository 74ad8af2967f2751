"""The parts of a batch: each replica, and each micro-batch, computes one.

Replicas are those of a strategy of `tf.distribute`, one a device.
"""

import contextlib
import contextvars

import tensorflow as tf

_part = contextvars.ContextVar("part", default=None)


@contextlib.contextmanager
def part_of_batch(index, count):
    """Says of the graph built inside which part of a batch it computes.

    Args:
        index: Scalar tensor or integer, from 0 up.
        count: Integer, how many parts of equal size there are.
    """
    token = _part.set((index, count))
    try:
        yield
    finally:
        _part.reset(token)


def own_rows(draw, rows, axis=0):
    """Returns the rows that would be drawn for this part of the whole batch.

    Without `part_of_batch`, the parts are the replicas of `tf.distribute`.

    Args:
        draw: Function from a number of rows to a tensor of as many. It draws
            the same in all parts.
        rows: Integer or scalar tensor, the rows of each part.
        axis: Integer, where the rows are in what is drawn. Defaults to `0`.
    """
    index, count = _part.get() or _replica()
    if count == 1:
        return draw(rows)
    first = index * rows
    before = [slice(None)] * axis
    return draw(count * rows)[(*before, slice(first, first + rows))]


def rows_of_part(values, index, count):
    """Returns a part of the rows of a batch.

    Args:
        values: Tensor or array.
        index: Integer, which part.
        count: Integer, how many parts there are. Where the rows cannot be
            divided evenly, some parts have a row more than others.

    Example:

    >>> [rows_of_part([1, 2, 3, 4, 5], index, 2) for index in range(2)]
    [[1, 2], [3, 4, 5]]
    """
    rows = tf.shape(values)[0] if tf.is_tensor(values) else len(values)
    return values[rows * index // count : rows * (index + 1) // count]


def with_a_row(function, inputs):
    """Returns the outputs of a function of images, of which there may be none.

    Some kernels of TensorFlow do not change the number of channels of an
    empty batch. So a replica without a row computes one of zeros, and drops
    it.

    Args:
        function: Function from images to a structure of tensors with as many
            rows.
        inputs: Tensor `(batch, height, width, channels)`.
    """
    if num_replicas() == 1 or inputs.shape[0]:
        return function(inputs)
    rows = tf.shape(inputs)[0]
    padding = [[0, tf.maximum(1 - rows, 0)], [0, 0], [0, 0], [0, 0]]
    outputs = function(tf.pad(inputs, padding))
    return tf.nest.map_structure(lambda output: output[:rows], outputs)


def _replica():
    """Returns the number of the current replica, and how many there are."""
    context = tf.distribute.get_replica_context()
    if context is None:
        return 0, 1
    return context.replica_id_in_sync_group, context.num_replicas_in_sync


def num_replicas():
    """Returns how many replicas of `tf.distribute` compute together."""
    return _replica()[1]


def sum_over_replicas(values):
    """Returns the sums over all replicas of `tf.distribute`, of a structure.

    The sums can be differentiated as often as wanted: the gradient of a sum
    is a sum.
    """
    if num_replicas() == 1:
        return values
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, values)


def worker_of(distribution):
    """Returns which of the processes this is, and how many there are.

    Args:
        distribution: `tf.distribute.Strategy`.
    """
    count = distribution.num_replicas_in_sync
    if count == 1:
        return 0, 1
    num_workers = count // len(distribution.extended.worker_devices)
    if num_workers == 1:
        return 0, 1
    return distribution.cluster_resolver.task_id, num_workers


def local_replicas(distribution):
    """Returns how many of the replicas are of this process.

    Args:
        distribution: `tf.distribute.Strategy`.
    """
    _, num_workers = worker_of(distribution)
    return distribution.num_replicas_in_sync // num_workers


def parts_of(distribution, batch, micro_batches=1, least_rows=0):
    """Returns what the replicas of this process compute of its rows.

    Args:
        distribution: `tf.distribute.Strategy`.
        batch: Structure of tensors with as many rows: those of this process.
            Each replica computes rows that stand together. Where the rows
            cannot be divided evenly, some have a row more than others.
        micro_batches: Integer. Defaults to `1`.
        least_rows: Integer. Parts of fewer rows are filled up with zeros.
            Defaults to `0`.

    Returns:
        List of structures, one a micro-batch, of values of all replicas of
        this process, or of tensors where there is one device.
    """
    local = local_replicas(distribution)
    count = local * micro_batches

    def own(rows, index):
        if count > 1:
            rows = rows_of_part(rows, index, count)
        missing = max(least_rows - len(rows), 0)
        if not missing:
            return rows
        zeros = tf.zeros((missing, *rows.shape[1:]), rows.dtype)
        return tf.concat([rows, zeros], axis=0)

    def part(number):
        def of_replica(context):
            replica = context.replica_id_in_sync_group % local
            index = replica * micro_batches + number
            return tf.nest.map_structure(lambda rows: own(rows, index), batch)

        return on_each_replica(distribution, of_replica)

    return [*map(part, range(micro_batches))]


def on_each_replica(distribution, value_of):
    """Returns values of all replicas of this process.

    Args:
        distribution: `tf.distribute.Strategy`.
        value_of: Function from a `tf.distribute.ValueContext` to a structure
            of tensors.

    Returns:
        A structure of values of all replicas of this process, or of tensors
        where it has one.
    """
    if distribution.num_replicas_in_sync == 1:
        return value_of(tf.distribute.experimental.ValueContext())
    devices = distribution.extended.worker_devices

    def on_its_device(context):
        value = value_of(context)
        replica = context.replica_id_in_sync_group % len(devices)
        with tf.device(devices[replica]):
            return tf.nest.map_structure(tf.identity, value)

    # Where the results of `strategy.run` are: for inputs on other devices
    # TensorFlow would optimize a graph anew.
    values = distribution.experimental_distribute_values_from_function(
        on_its_device
    )
    if len(devices) > 1:
        return values
    local = distribution.experimental_local_results
    return tf.nest.map_structure(lambda value: local(value)[0], values)
