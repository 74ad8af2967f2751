"""Estimates the memory of a step before the step is run."""

import errno
import functools
import os
import pathlib
import re

import psutil
import tensorflow as tf

from tfdarts.machine import available_bytes
from tfdarts.training.distribution import local_devices

_SAME_MEMORY = {"Identity", "Reshape", "ExpandDims", "Squeeze", "StopGradient"}
_STATUS = pathlib.Path("/proc/self/status")


def peak_bytes(graph, without=()):
    """Returns the peak memory of a graph's tensors, bytes.

    The estimate runs the operations in the order of their creation and frees
    each result after its last use. The estimate is a lower bound of what a
    process needs: it excludes the working memory of operations and the memory
    that the process already holds.

    Args:
        graph: `tf.Graph` of a concrete function, of known shapes.
        without: Sequence of the types of operations whose results do not
            count, such as `"ReadVariableOp"`. Defaults to none.

    Example:

    >>> @tf.function
    ... def mean_of_squares(x):
    ...     return tf.reduce_mean(tf.square(x))
    >>> spec = tf.TensorSpec((1000, 1000))
    >>> peak_bytes(mean_of_squares.get_concrete_function(spec).graph)
    8000000
    """
    operations = graph.get_operations()
    owner, last_use = {}, {}
    for position, operation in enumerate(operations):
        for tensor in operation.inputs:
            last_use[owner[tensor.ref()]] = position
        shares = operation.type in _SAME_MEMORY
        for tensor in operation.outputs:
            owner[tensor.ref()] = (
                owner[operation.inputs[0].ref()] if shares else tensor.ref()
            )
    for tensor in graph.outputs:
        last_use[owner[tensor.ref()]] = len(operations)

    held = peak = 0
    ends = [[] for _ in range(len(operations) + 1)]
    for position, operation in enumerate(operations):
        for tensor in operation.outputs:
            if tensor.ref() in last_use and operation.type not in without:
                held += bytes_of(tensor)
                ends[last_use[tensor.ref()]].append(tensor)
        peak = max(peak, held)
        held -= sum(bytes_of(tensor) for tensor in ends[position])
    return peak


def bytes_of(tensor):
    """Returns the bytes of a tensor of known shape, and 0 for any other."""
    known = tensor.shape.is_fully_defined() and tensor.dtype.size
    return tensor.shape.num_elements() * tensor.dtype.size if known else 0


def logit_bytes(words, vocabulary_size):
    """Returns the bytes of a batch's float32 logits and their gradient.

    Logits take by far the most memory of a language model.

    Args:
        words: Integer, the words of the batch.
        vocabulary_size: Integer.
    """
    return 2 * 4 * words * vocabulary_size


def peak_process_bytes():
    """Returns the peak memory of this process, bytes; of its GPUs, if any."""
    gpus = local_devices("GPU")
    if gpus:
        used = (tf.config.experimental.get_memory_info(gpu) for gpu in gpus)
        return sum(memory["peak"] for memory in used)
    if _STATUS.exists():
        # Not `getrusage`: it starts at the memory of the parent process.
        return 1024 * int(re.search(r"VmHWM:\s+(\d+)", _STATUS.read_text())[1])
    try:
        import resource
    except ImportError:  # Windows
        return psutil.Process().memory_info().peak_wset
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def require_memory(needed):
    """Raises `MemoryError` if a step needs more memory than is available.

    With a GPU nothing is checked: TensorFlow does not report a GPU's memory.

    Args:
        needed: Integer, the bytes that a step needs at least.

    Raises:
        MemoryError: If less memory is available.
    """
    available = available_bytes()
    if needed > available and not local_devices("GPU"):
        raise MemoryError(
            f"A step needs at least {needed / 1e9:.2f} GB of memory, but only "
            f"{max(available, 0) / 1e9:.2f} GB are left"
        )


def is_out_of_memory(error):
    """Returns whether an error says that memory does not suffice.

    Example:

    >>> is_out_of_memory(MemoryError()), is_out_of_memory(ValueError())
    (True, False)
    """
    if isinstance(error, tf.errors.ResourceExhaustedError):
        # TensorFlow also calls a full disk an exhausted resource.
        return os.strerror(errno.ENOSPC) not in str(error)
    return isinstance(error, MemoryError)


def gradient_graph(model, batch_spec):
    """Returns the gradient graph, the largest in memory, of a Keras model."""

    @functools.partial(tf.function, autograph=False)
    def gradients(x, y, sample_weight=None):
        with tf.GradientTape() as tape:
            outputs, _ = model.stateless_call(
                [v.value for v in model.trainable_variables],
                [v.value for v in model.non_trainable_variables],
                x,
                training=True,
            )
            losses = [
                model.loss(y, logits, sample_weight)
                for logits in tf.nest.flatten(outputs)
            ]
            loss = tf.add_n(losses)
        return tape.gradient(loss, model.trainable_variables)

    return gradients.get_concrete_function(*batch_spec).graph
