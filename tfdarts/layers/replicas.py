"""Sums over the replicas of a distribution strategy."""

import tensorflow as tf


def num_replicas():
    """Returns how many replicas compute the current step together."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def sum_over_replicas(values):
    """Returns the sums over all replicas of a tensor or a list of tensors.

    It belongs into code that every replica runs; with one replica it returns
    the values.
    """
    if num_replicas() == 1:
        return values
    replica = tf.distribute.get_replica_context()
    return replica.all_reduce(tf.distribute.ReduceOp.SUM, values)


def replica_id():
    """Returns which of the replicas this is, from 0 up."""
    context = tf.distribute.get_replica_context()
    return context.replica_id_in_sync_group if context else 0
