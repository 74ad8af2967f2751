"""Sums whose terms are added in the same order in each run."""

import tensorflow as tf
from tensorflow.python.eager import context


def keep_sums_in_order():
    """Switches TensorFlow's memory optimizer off in this process.

    Above 80% of the memory of a device that optimizer makes sums of three and
    more tensors, such as gradients, add each tensor as soon as it is ready.
    The order, and so the rounding, then depends on the timing of threads.
    TensorFlow takes each CPU for a device of 256 MB, so this happens in all
    but small networks there, where it saves nothing.

    TensorFlow has this switch in its session config, but no public function
    for it.
    """
    config = tf.compat.v1.ConfigProto()
    current = context.context()
    if current._config is not None:
        config.CopyFrom(current._config)
    options = config.graph_options.rewrite_options
    options.memory_optimization = options.NO_MEM_OPT
    current._config = config
    # Else this thread would go on with the config it has read before.
    tf.config.optimizer.set_experimental_options({})
