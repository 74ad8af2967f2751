"""Many variables as one vector."""

import functools
import math

import keras
import tensorflow as tf

from tfdarts.layers.constants import shared_constant


class FlatVariables:
    """Reads, splits and writes a list of variables as one flat vector.

    A supernet has thousands of small weights. With one vector, the virtual
    step and the perturbations of a search step need a handful of operations
    instead of thousands.

    Args:
        variables: List of Keras variables of one dtype.

    Example:

    >>> kernel, bias = keras.Variable([[1.0, 2.0]]), keras.Variable([3.0])
    >>> flat = FlatVariables([kernel, bias])
    >>> flat.read().numpy().tolist()
    [1.0, 2.0, 3.0]
    >>> flat.write(tf.constant([4.0, 5.0, 6.0]))
    >>> kernel.numpy().tolist(), bias.numpy().tolist()
    ([[4.0, 5.0]], [6.0])
    """

    def __init__(self, variables):
        self.variables = list(variables)
        self._shapes = [tuple(variable.shape) for variable in self.variables]
        self._sizes = [math.prod(shape) for shape in self._shapes]

    @functools.cached_property
    def vector(self):
        """A variable of the vector's size, for an optimizer to update."""
        return keras.Variable(
            tf.zeros(sum(self._sizes), self.variables[0].dtype), name="vector"
        )

    def read(self):
        """Returns the values of the variables as one vector."""
        return self.join(
            [keras.ops.convert_to_tensor(v) for v in self.variables]
        )

    def join(self, tensors):
        """Returns tensors of the variables' shapes as one vector.

        Args:
            tensors: Iterable of tensors, or `None` for zeros.
        """
        vectors = [
            tf.zeros(size, self.variables[0].dtype)
            if tensor is None
            else _reshape(tensor, (-1,))
            for tensor, size in zip(tensors, self._sizes, strict=True)
        ]
        # Models without batch norm have no statistics to join.
        return tf.concat(vectors, axis=0) if vectors else tf.zeros([0])

    def split(self, vector):
        """Returns the parts of a vector, in the variables' shapes."""
        parts = tf.split(vector, self._sizes) if self._sizes else []
        return [_reshape(p, s) for p, s in zip(parts, self._shapes)]

    def write(self, vector):
        """Assigns the parts of a vector to the variables."""
        for variable, value in zip(self.variables, self.split(vector)):
            variable.assign(value)


def _reshape(tensor, shape):
    """Returns a reshaped tensor; avoids an operation from vector to vector."""
    if len(tensor.shape) == len(shape) == 1:
        return tensor
    return tf.reshape(tensor, shared_constant(shape, tf.int32))
