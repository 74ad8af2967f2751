"""Data sets whose batches the devices of a strategy share."""

import functools

import numpy as np
import tensorflow as tf

from tfdarts.parts import local_replicas
from tfdarts.parts import rows_of_part
from tfdarts.parts import with_a_row


def shared(dataset, distribution):
    """Returns a data set for Keras' `fit`, of which each device has its rows.

    Args:
        dataset: `tf.data.Dataset` of structures of tensors: the rows of each
            batch that this process computes.
        distribution: `tf.distribute.Strategy`.

    Returns:
        A `tf.distribute.DistributedDataset`, which does not say how many
        batches there are, or with one device the same data set.
    """
    if distribution.num_replicas_in_sync == 1:
        return dataset
    count = local_replicas(distribution)

    def cut(*batch):
        # A batch that is no tuple comes as one of its own.
        batch = batch if isinstance(dataset.element_spec, tuple) else batch[0]
        parts = tf.data.Dataset.range(count)
        return parts.map(
            lambda index: tf.nest.map_structure(
                lambda rows: _part(rows, tf.cast(index, tf.int32), count), batch
            )
        )

    return distribution.distribute_datasets_from_function(
        lambda context: dataset.flat_map(cut).prefetch(tf.data.AUTOTUNE)
    )


def predicted(network, dataset, distribution):
    """Returns what a network says of all inputs, an array.

    Args:
        network: Keras model of images, of one output, made under the scope of
            the strategy.
        dataset: `tf.data.Dataset` of `(inputs, labels)`: the rows of each
            batch that this process computes.
        distribution: `tf.distribute.Strategy`.
    """

    @functools.partial(tf.function, reduce_retracing=True)
    def of_all_replicas(inputs):
        outputs = distribution.run(with_a_row, args=(network, inputs))
        return distribution.gather(outputs, axis=0)

    rows = shared(dataset.map(lambda inputs, labels: inputs), distribution)
    return np.concatenate([of_all_replicas(inputs) for inputs in rows])


def _part(rows, index, count):
    part = rows_of_part(rows, index, count)
    whole = rows.shape[0]
    if whole is not None and whole % count == 0:
        part = tf.ensure_shape(part, (whole // count, *rows.shape[1:]))
    return part
