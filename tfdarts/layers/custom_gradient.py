"""Functions with gradients of their own, whose graphs can be freed."""

import functools
import weakref

import tensorflow as tf
from tensorflow.python.eager import record
from tensorflow.python.framework.ops import gradient_registry


def custom_gradient(function):
    """Returns `tf.custom_gradient(function)`, which does not leak its graph.

    In a graph, TensorFlow registers the gradient of each call for the life of
    the process, and the gradient holds the graph. Here the graph holds its
    gradients, and the registry has only weak references to them.

    Args:
        function: Function of tensors that returns its results and the function
            of their gradients, see `tf.custom_gradient`.

    Example:

    >>> @custom_gradient
    ... def double_backward(x):
    ...     return x, lambda upstream: 2 * upstream
    >>> x = tf.constant(3.0)
    >>> with tf.GradientTape() as tape:
    ...     tape.watch(x)
    ...     y = double_backward(x)
    >>> float(tape.gradient(y, x))
    2.0
    """
    differentiable = tf.custom_gradient(function)

    @functools.wraps(function)
    def call(*arguments):
        results = differentiable(*arguments)
        if not tf.executing_eagerly():
            _give_to_graph(tf.nest.flatten(results)[0].op)
        return results

    return call


def call_with_gradient(function, gradient, *arguments):
    """Returns `function(*arguments)`; gradient tapes use another gradient.

    This is `custom_gradient` without its five operations for each call.
    Gradients that TensorFlow takes without a tape, such as those of loops and
    of compiled functions, are those of the function itself. So both gradients
    must have the same value.

    Args:
        function: Function of tensors that returns a tensor.
        gradient: Function of the gradient of the result. It returns a list of
            functions without arguments, which return the gradient of each
            argument. Only those that a tape needs are called.
        *arguments: Tensors.

    Example:

    >>> x = tf.constant(3.0)
    >>> with tf.GradientTape() as tape:
    ...     tape.watch(x)
    ...     y = call_with_gradient(
    ...         tf.square, lambda upstream: [lambda: 2 * x * upstream], x
    ...     )
    >>> float(tape.gradient(y, x))
    6.0
    """
    with record.stop_recording():
        result = function(*arguments)
    needed = [record.should_record_backprop([each]) for each in arguments]

    def backward(upstream):
        return [
            compute() if is_needed else None
            for compute, is_needed in zip(
                gradient(upstream), needed, strict=True
            )
        ]

    if any(needed):
        record.record_operation(
            function.__name__, [result], list(arguments), backward
        )
    return result


def _give_to_graph(op):
    """Makes the graph of an operation the only holder of its gradient."""
    name = op.get_attr("_gradient_op_type").decode()
    entry = gradient_registry._registry[name]
    gradient = entry["type"]
    held = getattr(op.graph, "custom_gradients", ())
    op.graph.custom_gradients = (*held, gradient)
    entry["type"] = weakref.proxy(gradient)
    unregister = gradient_registry._registry.pop
    weakref.finalize(gradient, unregister, name).atexit = False
