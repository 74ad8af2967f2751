"""A bundle that computes a primitive on some of its edges."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from tfdarts.layers.batch_norm import has_synchronized
from tfdarts.layers.batch_norm import synchronize_batch_norms
from tfdarts.layers.bundle import Bundle
from tfdarts.layers.constants import shared_constant
from tfdarts.layers.edge_places import places_of_edges


class EdgeSubset:
    """Some of the edges of a bundle; the outputs of the others are 0.

    It is no Keras layer, so that Keras does not track its variables. In each
    call they have the values of the bundle's, which alone learn.

    Args:
        bundle: `tfdarts.Bundle`, built, whose variables all belong to edges;
            see `belongs_to_edges`.
        edges: Sequence of integers, the edges to compute.
        inputs_shape: Shape of the inputs that the bundle was built with.
    """

    def __init__(
        self, bundle: Bundle, edges: Sequence[int], inputs_shape: tuple
    ):
        self.bundle = bundle
        self.source = bundle.source
        self.edges = [*map(int, edges)]
        config = {**bundle.get_config(), "num_edges": len(self.edges)}
        self.small = type(bundle).from_config(config)
        self.small.build(inputs_shape)
        if has_synchronized(bundle):
            synchronize_batch_norms(self.small)
        self._sources = self._find_sources()

    def _find_sources(self):
        """Returns where the values of each variable are in the bundle's.

        Returns:
            List of a variable of the bundle and an integer array of places in
            its values, for each variable.
        """
        own, others = self.small.weights, self.bundle.weights
        starts = _starts(others)
        places = np.zeros(_starts(own)[-1], int)
        all_edges = places_of_edges(self.bundle)
        for edge, arrays in zip(self.edges, places_of_edges(self.small)):
            for mine, theirs in zip(arrays, all_edges[edge], strict=True):
                places[mine] = theirs
        found = []
        for variable, place in zip(own, np.split(places, _starts(own)[1:-1])):
            number = np.searchsorted(starts, place[0], side="right") - 1
            place = (place - starts[number]).reshape(variable.shape)
            found.append((others[number], place.astype("int32")))
        return found

    def __call__(self, inputs, scale, training=None):
        """Returns outputs for all edges of the bundle; see `Bundle`."""
        filters, count = self.bundle.filters, len(self.edges)
        if self.source in ("spread", "subsampled"):
            inputs = inputs[..., : count * filters]
        values = [
            tf.gather(_flat(other), shared_constant(place, tf.int32))
            for other, place in self._sources
        ]
        with keras.StatelessScope(zip(self.small.weights, values)) as scope:
            outputs = self.small(
                inputs, self._of_edges(scale), training=training
            )
            moved = [*map(scope.get_current_value, self.small.weights)]
        for (other, place), old, new in zip(self._sources, values, moved):
            if new is not old:
                changed = tf.tensor_scatter_nd_update(
                    _flat(other), place.reshape(-1, 1), tf.reshape(new, [-1])
                )
                other.assign(tf.reshape(changed, other.shape))
        own = dict(zip(self.edges, tf.split(outputs, count, axis=3)))
        zeros = tf.zeros_like(own[self.edges[0]])
        return tf.concat(
            [own.get(edge, zeros) for edge in range(self.bundle.num_edges)],
            axis=3,
        )

    def _of_edges(self, scale):
        """Returns the entries of a scale that belong to the edges."""
        parts = tf.split(scale, self.bundle.num_edges)
        return tf.concat([parts[edge] for edge in self.edges], axis=0)


def belongs_to_edges(bundle: Bundle) -> bool:
    """Returns whether each value of a bundle's variables is of one edge.

    The seed of a random layer and a rate of dropout are not.

    Args:
        bundle: `tfdarts.Bundle`, built.
    """
    weights = bundle.weights
    if len(weights) < len(bundle.variables):
        return False
    places = places_of_edges(bundle)
    number = sum(array.size for arrays in places for array in arrays)
    return number == sum(variable.numpy().size for variable in weights)


def _starts(variables):
    """Returns where each variable starts in all values, and their number."""
    return np.cumsum([0, *(variable.numpy().size for variable in variables)])


def _flat(variable):
    return tf.reshape(tf.convert_to_tensor(variable), [-1])
