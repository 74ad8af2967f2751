"""Compiled functions of segments of any length, with reproducible results."""

import contextlib
import threading

import tensorflow as tf


class VariableLengthFunction:
    """A function compiled once, for segments of words of any length.

    `tf.function` would build a graph for the first length, and a second graph,
    for any length, at the second length. The two graphs round differently, so
    a training that is interrupted and resumed would compute different
    results. In addition, TensorFlow's arithmetic optimization regroups sums in
    an order that may differ between processes, so calls switch it off.

    Args:
        function: Function of tensors and structures of tensors. Integer
            tensors of shape `(rows, length)` are segments.
        **options: Options of `tf.function`.

    Example:

    >>> double = VariableLengthFunction(lambda words: 2 * words)
    >>> for length in (3, 4, 5):
    ...     _ = double(tf.ones((2, length), tf.int32))
    >>> double.function.experimental_get_tracing_count()
    1
    """

    def __init__(self, function, **options):
        self._of_structure = function
        self.function = tf.function(
            self._of_tensors, autograph=False, **options
        )
        self._structure = None
        self._traced = set()

    def __call__(self, *arguments):
        # `tf.function` distinguishes a variable from a tensor of its value.
        arguments = tf.nest.map_structure(_value_of, arguments)
        if self._structure is None:
            # Specs only: the arguments themselves would occupy memory.
            self._structure = tf.nest.map_structure(
                tf.type_spec_from_value, arguments
            )
        tf.nest.assert_same_structure(
            self._structure, arguments, expand_composites=True
        )
        tensors = tf.nest.flatten(arguments, expand_composites=True)
        specs = [*map(_of_variable_length, tensors)]
        key = repr(specs)
        if key not in self._traced:
            self.function.get_concrete_function(*specs)
            self._traced.add(key)
        with _without_arithmetic_rewriting():
            return self.function(*tensors)

    def get_concrete_function(self, *specs):
        """Returns a concrete function of specs; see `tf.function`."""
        function = tf.function(self._of_structure, autograph=False)
        return function.get_concrete_function(*specs)

    def _of_tensors(self, *tensors):
        return self._of_structure(
            *tf.nest.pack_sequence_as(
                self._structure, tensors, expand_composites=True
            )
        )


def _value_of(argument):
    if isinstance(argument, tf.distribute.DistributedValues):
        return argument
    return tf.convert_to_tensor(argument)


def _of_variable_length(value):
    if value.dtype.is_integer and value.shape.rank == 2:
        return tf.TensorSpec((value.shape[0], None), value.dtype)
    return tf.TensorSpec(value.shape, value.dtype)


_switch = threading.Lock()
_calls = 0


@contextlib.contextmanager
def _without_arithmetic_rewriting():
    """Switches TensorFlow's arithmetic optimization off inside this context.

    The option belongs to the process, but each thread must set it. Several
    threads may be inside at once.
    """
    global _calls
    with _switch:
        _calls += 1
        _set_arithmetic_rewriting(False)
    try:
        yield
    finally:
        with _switch:
            _calls -= 1
            _set_arithmetic_rewriting(_calls == 0)


def _set_arithmetic_rewriting(on):
    tf.config.optimizer.set_experimental_options(
        {"arithmetic_optimization": on}
    )
