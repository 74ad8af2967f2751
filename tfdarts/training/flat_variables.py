"""Many variables as one vector."""

import collections
import functools
import math

import keras
import numpy as np
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
        sizes = [math.prod(variable.shape) for variable in self.variables]
        self._size = sum(sizes)
        # Variables of one shape are split and joined by one operation.
        self._by_shape = collections.defaultdict(list)
        for index, variable in enumerate(self.variables):
            self._by_shape[tuple(variable.shape)].append(index)
        places = np.split(np.arange(self._size), np.cumsum(sizes)[:-1])
        grouped = [places[i] for same in self._by_shape.values() for i in same]
        order = np.concatenate(grouped) if grouped else np.zeros(0, int)
        self._order = tf.constant(order, tf.int32)
        self._inverse = tf.constant(np.argsort(order), tf.int32)

    @functools.cached_property
    def vector(self):
        """A variable of the vector's size, for an optimizer to update."""
        return keras.Variable(
            tf.zeros(self._size, self.variables[0].dtype), name="vector"
        )

    def read(self):
        """Returns the values of the variables as one vector."""
        return self.join(map(tf.convert_to_tensor, self.variables))

    @tf.autograph.experimental.do_not_convert
    def join(self, tensors):
        """Returns tensors of the variables' shapes as one vector.

        Args:
            tensors: Iterable of tensors, or `None` for zeros.
        """
        if not self.variables:
            # Models without batch norm have no statistics to join.
            return tf.zeros([0])
        tensors = [
            tf.zeros(variable.shape, variable.dtype)
            if tensor is None
            else tensor
            for tensor, variable in zip(tensors, self.variables, strict=True)
        ]
        flat = shared_constant([-1], tf.int32)
        vectors = [
            tf.reshape(tf.stack([tensors[index] for index in same]), flat)
            for same in self._by_shape.values()
        ]
        return tf.gather(tf.concat(vectors, axis=0), self._inverse)

    @tf.autograph.experimental.do_not_convert
    def split(self, vector):
        """Returns the parts of a vector, in the variables' shapes."""
        if not self.variables:
            return []
        groups = self._by_shape.items()
        sizes = [math.prod(shape) * len(same) for shape, same in groups]
        pieces = tf.split(tf.gather(vector, self._order), sizes)
        parts = {}
        for piece, (shape, same) in zip(pieces, groups):
            shape = shared_constant([len(same), *shape], tf.int32)
            stacked = tf.reshape(piece, shape)
            parts.update(zip(same, tf.unstack(stacked)))
        return [parts[index] for index in range(len(parts))]

    def write(self, vector):
        """Assigns the parts of a vector to the variables."""
        for variable, value in zip(self.variables, self.split(vector)):
            variable.assign(value)
