"""Constants of which each graph has only one of a kind."""

import numpy as np
import tensorflow as tf


@tf.autograph.experimental.do_not_convert
def shared_constant(value, dtype):
    """Returns a constant, which equal calls in the same graph share.

    A supernet needs the same few constants in hundreds of places. Each
    operation of a graph takes time to build and to start.

    Args:
        value: NumPy array or nested list of numbers.
        dtype: Dtype of the tensor.

    Example:

    >>> @tf.function
    ... def is_shared():
    ...     return shared_constant([1, 2], "float32") is shared_constant(
    ...         [1, 2], "float32"
    ...     )
    >>> bool(is_shared())
    True
    """
    if tf.executing_eagerly():
        return tf.constant(value, dtype)
    value = np.asarray(value, tf.as_dtype(dtype).as_numpy_dtype)
    graph = tf.compat.v1.get_default_graph()
    if not hasattr(graph, "tfdarts_constants"):
        graph.tfdarts_constants = {}
    constants = graph.tfdarts_constants
    key = value.tobytes(), value.shape, value.dtype
    if key not in constants:
        with tf.control_dependencies(None):
            constants[key] = tf.constant(value)
    return constants[key]
