"""The parts of a batch: one for each replica and each micro-batch.

Replicas belong to a `tf.distribute` strategy, one replica per device.
"""

import contextlib
import contextvars

import tensorflow as tf

_part = contextvars.ContextVar("part", default=None)


@contextlib.contextmanager
def part_of_batch(index, count):
    """Sets the part of a batch that a graph built inside computes.

    Args:
        index: Scalar tensor or integer, the index of the part, from 0.
        count: Integer, the number of parts, which have equal size.
    """
    token = _part.set((index, count))
    try:
        yield
    finally:
        _part.reset(token)


def own_rows(draw, rows, axis=0):
    """Returns this part's rows of random numbers drawn for the whole batch.

    Outside of `part_of_batch`, each replica of `tf.distribute` is a part.

    Args:
        draw: Function from a number of rows to a random tensor with as many
            rows. It must draw the same numbers in all parts.
        rows: Integer or scalar tensor, the number of rows of each part.
        axis: Integer, the axis of the rows in the drawn tensor. Defaults to
            `0`.
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
        index: Integer, the index of the part.
        count: Integer, the number of parts. If the rows cannot be divided
            evenly, some parts have one row more than others.

    Example:

    >>> [rows_of_part([1, 2, 3, 4, 5], index, 2) for index in range(2)]
    [[1, 2], [3, 4, 5]]
    """
    rows = tf.shape(values)[0] if tf.is_tensor(values) else len(values)
    return values[rows * index // count : rows * (index + 1) // count]


def apply_to_nonempty(function, inputs):
    """Returns the outputs of a function of images, also for an empty batch.

    Some TensorFlow kernels return the wrong number of channels for an empty
    batch. So a replica with an empty batch computes one row of zeros, and
    drops its output.

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
    """Returns the index of the current replica and the number of replicas."""
    context = tf.distribute.get_replica_context()
    if context is None:
        return 0, 1
    return context.replica_id_in_sync_group, context.num_replicas_in_sync


def num_replicas():
    """Returns the number of replicas of `tf.distribute` in sync."""
    return _replica()[1]


def sum_over_replicas(values):
    """Returns a structure of tensors, summed over replicas by all-reduce.

    The sums can be differentiated any number of times: the gradient of an
    all-reduce is an all-reduce.
    """
    if num_replicas() == 1:
        return values
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, values)


def worker_of(distribution):
    """Returns the index of this worker and the number of workers.

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
    """Returns the number of replicas of this process.

    Args:
        distribution: `tf.distribute.Strategy`.
    """
    _, num_workers = worker_of(distribution)
    return distribution.num_replicas_in_sync // num_workers


def parts_of(distribution, batch, micro_batches=1, least_rows=0):
    """Returns the rows of this process, split among its replicas.

    Args:
        distribution: `tf.distribute.Strategy`.
        batch: Structure of tensors with the same number of rows, the rows of
            this process. Each replica gets consecutive rows. If the rows
            cannot be divided evenly, some replicas get one row more.
        micro_batches: Integer. Defaults to `1`.
        least_rows: Integer. Parts with fewer rows are padded with zeros.
            Defaults to `0`.

    Returns:
        List of structures, one per micro-batch, of values of all replicas of
        this process, or of tensors if there is one device.
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
        if the process has one replica.
    """
    if distribution.num_replicas_in_sync == 1:
        return value_of(tf.distribute.experimental.ValueContext())
    devices = distribution.extended.worker_devices

    def on_its_device(context):
        value = value_of(context)
        replica = context.replica_id_in_sync_group % len(devices)
        with tf.device(devices[replica]):
            return tf.nest.map_structure(tf.identity, value)

    # Values are on the same devices as results of `strategy.run`: for inputs
    # on other devices TensorFlow would optimize the graph again.
    values = distribution.experimental_distribute_values_from_function(
        on_its_device
    )
    if len(devices) > 1:
        return values
    local = distribution.experimental_local_results
    return tf.nest.map_structure(lambda value: local(value)[0], values)
