"""A search that stops the training of single operations."""

import keras
import numpy as np
import tensorflow as tf

from tfdarts.layers.bundle import Bundle
from tfdarts.layers.edge_places import places_of_edges
from tfdarts.layers.mixed_op import MixedOp
from tfdarts.layers.nested import nested_layers
from tfdarts.strategies.darts import DARTS


@keras.saving.register_keras_serializable(package="tfdarts")
class OperationFreezing(DARTS):
    """`DARTS` that freezes operations which overfit the training examples.

    In each step it compares, for each operation, the gradients of the training
    and the validation loss in the weights of the operation by their cosine.
    The weights of an operation with a low mean cosine change no more; its
    alphas still do.

    Args:
        supernet: Keras model with `MixedOp` layers, such as `CNNSupernet`.
        freeze_every: Integer, steps that a mean is over. Defaults to `20`.
        freeze_below: Float, the mean cosine below which an operation is
            frozen. Defaults to `0.4`.
        **kwargs: Arguments of `DARTS`; `order` is 1 and `update_order` is
            `"alpha_first"`.

    Reference:

    - [Jiang et al., 2023](https://openreview.net/forum?id=yAOwkf4FyL)
    """

    def __init__(
        self, supernet, freeze_every=20, freeze_below=0.4, order=1, **kwargs
    ):
        super().__init__(supernet, order=order, **kwargs)
        if (self.order, self.update_order) != (1, "alpha_first"):
            raise ValueError(
                "Gradients of both losses are compared at the same weights, "
                "so `order` must be 1 and `update_order` 'alpha_first'. "
                f"Received: order={self.order} and "
                f"update_order={self.update_order!r}."
            )
        self.freeze_every = freeze_every
        self.freeze_below = freeze_below
        self.operations = operations_of_weights(supernet)
        self.num_operations = int(self.operations.max(initial=-1)) + 1
        if not self.num_operations:
            raise ValueError(
                "Only operations of convolutional cells are frozen. Search a "
                "supernet with primitives that have weights, such as "
                "tfdarts.CNNSupernet."
            )
        zeros = np.zeros(self.num_operations, "float32")
        self.frozen = keras.Variable(zeros, trainable=False, name="frozen")
        self.cosines = keras.Variable(zeros, trainable=False, name="cosines")
        self.steps = keras.Variable(0.0, trainable=False, name="steps")
        self._val_gradient = None

    def _alpha_gradients(self, train_parts, val_parts, learning_rate):
        loss = self._compiled_loss
        weights, alphas, state = loss.values()
        val = loss.objective(val_parts, state)
        value, (gradient,), gradients = val.gradients([weights], alphas)
        self._states["val"] = val.carried
        self._val_gradient = gradient
        return self._add_penalties((value, gradients), alphas)

    def step_weights(self, gradient, state):
        if self._val_gradient is not None:
            self._compare(gradient, self._val_gradient)
            self._val_gradient = None
        if not self.frozen.numpy().any():
            super().step_weights(gradient, state)
            return
        weights = self._compiled_loss.model.weights
        # The last entry is that of weights that belong to no operation.
        frozen = tf.pad(self.frozen.value > 0, [[0, 1]])
        frozen = tf.gather(frozen, self._segments)
        before = weights.read()
        super().step_weights(
            tf.where(frozen, tf.zeros_like(gradient), gradient), state
        )
        # Momentum and weight decay move weights without a gradient, too.
        weights.write(tf.where(frozen, before, weights.read()))

    def _compare(self, gradient, val_gradient):
        """Adds the cosines; freezes operations once a mean is complete."""
        cosines = self._sums(gradient * val_gradient) * tf.math.rsqrt(
            self._sums(gradient**2) * self._sums(val_gradient**2)
        )
        # An operation without gradient has no direction to compare.
        cosines = tf.where(tf.math.is_finite(cosines), cosines, 1)
        self.cosines.assign_add(tf.cast(cosines, "float32"))
        self.steps.assign_add(1.0)
        if float(self.steps) < self.freeze_every:
            return
        means = self.cosines / self.steps
        low = tf.cast(means < self.freeze_below, "float32")
        self.frozen.assign(tf.maximum(self.frozen.value, low))
        self.cosines.assign(tf.zeros_like(self.cosines.value))
        self.steps.assign(0.0)

    def _sums(self, values):
        """Returns the sum over the weights of each operation."""
        sums = tf.math.unsorted_segment_sum(
            values, self._segments, self.num_operations + 1
        )
        return sums[:-1]

    @property
    def _segments(self):
        no_operation = self.num_operations
        return np.where(self.operations < 0, no_operation, self.operations)

    def get_config(self):
        return {
            **super().get_config(),
            "freeze_every": self.freeze_every,
            "freeze_below": self.freeze_below,
        }


def operations_of_weights(supernet):
    """Returns the number of the operation that each weight belongs to.

    An operation is a primitive on one edge of one cell.

    Args:
        supernet: Keras model with `MixedOp` layers.

    Returns:
        Integer array over all weights, in the order of
        `supernet.trainable_variables`; -1 for weights of no operation.
    """
    variables = supernet.trainable_variables
    sizes = [int(np.prod(variable.shape)) for variable in variables]
    starts = dict(zip(map(id, variables), np.cumsum([0, *sizes])))
    owners = np.full(sum(sizes), -1)
    number = 0
    for mixed_op in nested_layers(supernet):
        if not isinstance(mixed_op, MixedOp):
            continue
        for operation in mixed_op.operations:
            if not isinstance(operation, Bundle) or not operation.weights:
                continue
            in_supernet = np.concatenate(
                [_places_of(v, starts) for v in operation.weights]
            )
            for places in places_of_edges(operation):
                own = np.concatenate([np.ravel(each) for each in places])
                own = in_supernet[own]
                if (own >= 0).any():
                    owners[own[own >= 0]] = number
                    number += 1
    return owners


def _places_of(variable, starts):
    """Returns the places of a variable's values; -1 if it is not trained."""
    size = int(np.prod(variable.shape))
    if id(variable) not in starts:
        return np.full(size, -1)
    return starts[id(variable)] + np.arange(size)
