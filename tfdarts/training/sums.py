"""Reproducible sums, whose terms are added in the same order in each run."""

import tensorflow as tf
from tensorflow.python.eager import context


def keep_sums_in_order():
    """Switches TensorFlow's memory optimizer off in this process.

    The memory optimizer acts on graphs that need more than 80% of a device's
    memory. It makes sums of three or more tensors, such as gradients, add each
    tensor as soon as it is ready. The order, and so the rounding, depends on
    the timing of threads. TensorFlow assumes 256 MB for each CPU, so all
    but small networks are affected there, and the optimizer saves nothing.

    TensorFlow has this option in its session config, but no public function
    sets it.
    """
    config = tf.compat.v1.ConfigProto()
    current = context.context()
    if current._config is not None:
        config.CopyFrom(current._config)
    options = config.graph_options.rewrite_options
    options.memory_optimization = options.NO_MEM_OPT
    current._config = config
    # Makes this thread read the new config instead of its cached one.
    tf.config.optimizer.set_experimental_options({})
