"""Data sets whose batches are split among the replicas of a strategy."""

import functools

import numpy as np
import tensorflow as tf

from tfdarts.replicas import apply_to_nonempty
from tfdarts.replicas import local_replicas
from tfdarts.replicas import rows_of_part


def share_dataset(dataset, distribution):
    """Returns a data set for Keras' `fit` that splits batches among replicas.

    Args:
        dataset: `tf.data.Dataset` of structures of tensors: the rows of each
            batch that this process computes.
        distribution: `tf.distribute.Strategy`.

    Returns:
        A `tf.distribute.DistributedDataset` of unknown cardinality. With one
        device, the given data set.
    """
    if distribution.num_replicas_in_sync == 1:
        return dataset
    count = local_replicas(distribution)

    def cut(*batch):
        # A batch that is not a tuple arrives as the only item of `batch`.
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


def predict_all(network, dataset, distribution):
    """Returns the predictions of a network for all inputs, an array.

    Args:
        network: Keras model of images with one output, created under the
            scope of the strategy.
        dataset: `tf.data.Dataset` of `(inputs, labels)`: the rows of each
            batch that this process computes.
        distribution: `tf.distribute.Strategy`.
    """

    @functools.partial(tf.function, reduce_retracing=True)
    def of_all_replicas(inputs):
        outputs = distribution.run(apply_to_nonempty, args=(network, inputs))
        return distribution.gather(outputs, axis=0)

    rows = share_dataset(
        dataset.map(lambda inputs, labels: inputs), distribution
    )
    return np.concatenate([of_all_replicas(inputs) for inputs in rows])


def _part(rows, index, count):
    part = rows_of_part(rows, index, count)
    num_rows = rows.shape[0]
    if num_rows is not None and num_rows % count == 0:
        part = tf.ensure_shape(part, (num_rows // count, *rows.shape[1:]))
    return part
