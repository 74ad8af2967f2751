"""Sums over the replicas that compute a step together."""

import collections
import contextlib
import itertools
import math
import threading

import tensorflow as tf

_building = threading.local()
_sums = itertools.count(1)

Group = collections.namedtuple("Group", ["key", "count"])
Group.__doc__ = """Replicas that sum up together.

Args:
    key: Integer, another one for each group.
    count: Integer, how many they are.
"""


@contextlib.contextmanager
def graph_of_replica(group, number):
    """Says of the graph built inside which replicas it is for.

    Args:
        group: `Group`.
        number: Scalar tensor, which of them will run it.
    """
    before = _replica()
    _building.replica = group, number
    try:
        yield
    finally:
        _building.replica = before


def _replica():
    """Returns the group and the number of the graph being built, or `None`."""
    return getattr(_building, "replica", None)


def num_replicas():
    """Returns how many replicas compute the current step together."""
    if _replica():
        group, _ = _replica()
        return group.count
    return tf.distribute.get_strategy().num_replicas_in_sync


def replica_id():
    """Returns which of the replicas this is, from 0 up."""
    if _replica():
        _, number = _replica()
        return number
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

    It belongs into code that every replica runs, be it one of
    `tfdarts.training.devices.Replicas` or of a strategy of `tf.distribute`;
    with one replica it returns the values. All tensors travel as one vector.
    It can be differentiated as often as wanted: the gradient of a sum is a
    sum.

    Args:
        values: Tensors of one dtype, of known shapes.
    """
    if num_replicas() == 1:
        return values
    if not _replica():
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


@tf.custom_gradient
def _summed(tensor):
    """The sum of a tensor over all replicas.

    It is TensorFlow's own operation. What `tf.distribute` has around it asks
    all replicas of a process to meet while the graph is built.
    """
    group, _ = _replica()
    total = tf.raw_ops.CollectiveReduceV2(
        input=tensor,
        group_size=group.count,
        group_key=group.key,
        instance_key=next(_sums),
        ordering_token=[],
        merge_op="Add",
        final_op="Id",
        # Others, as NCCL, would have to be started in the same order on all
        # devices.
        communication_hint="ring",
    )
    return total, _summed
