"""A choice among the inputs of a layer."""

import keras
import numpy as np
import tensorflow as tf

from tfdarts.layers.alphas import Alphas
from tfdarts.layers.choice import Choice
from tfdarts.layers.relaxations import Relaxation
from tfdarts.layers.tensor_masks import masks_of


@keras.saving.register_keras_serializable(package="tfdarts")
class InputChoice(Choice):
    """A choice among several inputs of the same shape.

    In a search, the output is the sum of all inputs, weighted by the alphas,
    times `num_chosen`. `tfdarts.derive_model` replaces it by the sum of the
    chosen inputs.

    Args:
        num_inputs: Integer. Defaults to the number of inputs of the first
            call, which then makes the alphas.
        num_chosen: Integer, how many inputs are chosen. Defaults to `1`.
        alphas, relaxation: See `LayerChoice`.

    Call arguments:
        inputs: List of `num_inputs` tensors of the same shape.

    Raises:
        ValueError: If fewer inputs are given than can be chosen, or inputs of
            different shapes.
        AttributeError: If the alphas are read before the first call, and
            `num_inputs` is not given.

    Example:

    >>> choice = InputChoice()
    >>> both = choice([keras.ops.zeros((1, 3)), keras.ops.ones((1, 3))])
    >>> [round(float(number), 1) for number in both[0]]
    [0.5, 0.5, 0.5]
    """

    def __init__(
        self,
        num_inputs: int | None = None,
        num_chosen: int = 1,
        alphas: Alphas | None = None,
        relaxation: str | Relaxation | None = None,
        **kwargs,
    ):
        if num_inputs is None and alphas is not None:
            num_inputs = alphas.num_primitives
        _require_fewer(num_chosen, num_inputs)
        super().__init__(num_inputs, alphas, relaxation, **kwargs)
        self.num_inputs = num_inputs
        self.num_chosen = num_chosen

    @property
    def options(self):
        return [str(position) for position in range(self.num_inputs)]

    @property
    def chosen_inputs(self) -> list[int]:
        """The positions of the chosen inputs, in order."""
        order = np.argsort(-self.probabilities(), kind="stable")
        return sorted(order[: self.num_chosen].tolist())

    def build(self, inputs_shape):
        shapes = inputs_shape
        if not all(isinstance(shape, (list, tuple)) for shape in shapes):
            shapes = [shapes]  # The shape of one tensor.
        shapes = [tuple(shape) for shape in shapes]
        wanted = self.num_inputs or max(len(shapes), 2)
        if len(shapes) != wanted or len({*shapes}) > 1:
            number = f"{self.num_inputs} " if self.num_inputs else ""
            raise ValueError(
                f"The choice {self.name} takes a list of {number}"
                f"inputs of the same shape. Received inputs of shapes "
                f"{', '.join(map(str, shapes))}."
            )
        if self.num_inputs is None:
            _require_fewer(self.num_chosen, wanted)
            self.num_inputs = wanted
            self.alphas = self._make_alphas(wanted)

    def call(self, inputs, training=None):
        weights = self.option_weights(training)
        if self.num_chosen > 1:
            # The weights of a softmax have the sum 1, of others any sum.
            weights *= self.num_chosen / tf.reduce_sum(weights)
        weights = tf.unstack(weights)
        outputs = tf.add_n(
            [w * tf.cast(x, w.dtype) for w, x in zip(weights, inputs)]
        )
        inherited = [mask for _, mask in masks_of(inputs)]
        self.attach_masks(outputs, inputs, inherited)
        return outputs

    def compute_output_shape(self, inputs_shape):
        return tuple(inputs_shape[0])

    def get_config(self):
        return {
            **super().get_config(),
            "num_inputs": self.num_inputs,
            "num_chosen": self.num_chosen,
        }


def _require_fewer(num_chosen, num_inputs):
    """Raises `ValueError` if not fewer inputs are chosen than there are."""
    if num_chosen < 1 or num_inputs is not None and num_chosen >= num_inputs:
        raise ValueError(
            "`num_chosen` must be at least 1 and below the number of inputs"
            f"{'' if num_inputs is None else f', {num_inputs}'}. Received: "
            f"{num_chosen}."
        )
