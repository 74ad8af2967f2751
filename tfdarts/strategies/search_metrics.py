"""The metrics of Keras on the outputs of a search."""

import tensorflow as tf


def update_metrics(search, distribution, parts, outputs):
    """Updates the metrics of a search with the outputs for a batch.

    Args:
        search: Keras model, compiled with metrics.
        distribution: `tf.distribute.Strategy`.
        parts: The parts of the batch; in a test, with their counts.
        outputs: List of the outputs of each part and their masks, each in a
            list.
    """
    local = distribution.experimental_local_results
    for part, (output,) in zip(parts, outputs):
        structure = part, output
        columns = [local(each) for each in tf.nest.flatten(structure)]
        for values in zip(*columns):
            (x, y, weight, *counts), (output, masks) = tf.nest.pack_sequence_as(
                structure, values
            )
            # A part without rows was padded with a row of zeros.
            if not counts or tf.reduce_all(counts[0] > 0):
                weight = None if isinstance(weight, tuple) else weight
                for tensor, mask in zip(tf.nest.flatten(output), masks):
                    _set_mask(tensor, mask)
                search.compute_metrics(x, y, output, weight)


def mask_of(outputs):
    """Returns the mask that Keras has attached to a tensor, or `()`."""
    mask = getattr(outputs, "_keras_mask", None)
    return () if mask is None else mask


def _set_mask(outputs, mask):
    # Functions of TensorFlow return tensors without it.
    if not isinstance(mask, tuple):
        outputs._keras_mask = mask
