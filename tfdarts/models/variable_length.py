"""Compiled functions of segments of any length, the same in every process."""

import contextlib
import threading

import tensorflow as tf


class VariableLength:
    """A function compiled once, for segments of words of any length.

    TensorFlow would build a graph for the length that comes first, and
    another, for any length, when a second one comes. The two round
    differently, so that what a training computes would depend on where it was
    interrupted. So would it, now and then, on the process: one of the passes
    over a graph regroups sums in an order that is not always the same. It is
    left out.

    Args:
        function: Function of tensors and structures of them. Integers of
            shape `(rows, length)` are segments.
        **options: Of `tf.function`.

    Example:

    >>> double = VariableLength(lambda words: 2 * words)
    >>> for length in (3, 4, 5):
    ...     _ = double(tf.ones((2, length), tf.int32))
    >>> double.function.experimental_get_tracing_count()
    1
    """

    def __init__(self, function, **options):
        self._of_structure = function
        self.function = tf.function(self._of_tensors, **options)
        self._structure = None
        self._traced = set()

    def __call__(self, *arguments):
        # A variable would be another argument than the tensor it holds.
        arguments = tf.nest.map_structure(_value_of, arguments)
        if self._structure is None:
            # Of the arguments themselves it would keep the memory.
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
        with _sums_as_they_are():
            return self.function(*tensors)

    def get_concrete_function(self, *specs):
        """See `tf.function`; of tensors and structures of them."""
        return tf.function(self._of_structure).get_concrete_function(*specs)

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
def _sums_as_they_are():
    """Leaves out TensorFlow's rewriting of arithmetic meanwhile.

    The switch is of the process, though each thread has to be told; several
    threads may be inside.
    """
    global _calls
    with _switch:
        _calls += 1
        _rewrite_arithmetic(False)
    try:
        yield
    finally:
        with _switch:
            _calls -= 1
            _rewrite_arithmetic(_calls == 0)


def _rewrite_arithmetic(on):
    tf.config.optimizer.set_experimental_options(
        {"arithmetic_optimization": on}
    )
