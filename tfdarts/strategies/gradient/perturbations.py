"""Perturbations of the edge weights that the weights are trained with."""

from collections.abc import Callable
from collections.abc import Sequence

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tfdarts")
class RandomPerturbation:
    """Adds uniform noise to the edge weights.

    Args:
        radius: Float, the largest absolute value of the noise. You may assign
            the attribute `radius` between steps.
        seed: Integer. The noise depends on the seed and the step only.

    Example:

    >>> perturb = RandomPerturbation(radius=0.1)
    >>> (weights,) = perturb([tf.constant([[0.5, 0.5]])], step=0)
    >>> round(float(tf.reduce_sum(weights)), 4)
    1.0

    Reference:

    - [Chen and Hsieh, 2020](https://arxiv.org/abs/2002.05283), equation 3, and
      their code
    """

    def __init__(self, radius: float, seed: int = 0):
        self.radius = radius
        self.seed = seed

    def __call__(
        self,
        edge_weights: Sequence[tf.Tensor],
        step: int,
        loss: Callable | None = None,
    ) -> list[tf.Tensor]:
        """Returns perturbed edge weights, which sum to 1 on each edge.

        Args:
            edge_weights: List of tensors `(edges, primitives)`. A weight of
                exactly 0 stays 0: the edge may not have the primitive.
            step: Integer, the number of the step.
            loss: Function that takes such a list and returns the loss of the
                batch and the gradients.
        """
        return [
            to_simplex(weights + self.radius * noise, weights)
            for weights, noise in zip(
                edge_weights, self._noise(edge_weights, step)
            )
        ]

    def _noise(self, edge_weights, step):
        """Returns uniform noise between -1 and 1 for each tensor."""
        return [
            tf.random.stateless_uniform(
                weights.shape,
                # Each tensor has noise of its own.
                (self.seed + number * 2**32, step),
                minval=-1,
                maxval=1,
                dtype=weights.dtype,
            )
            for number, weights in enumerate(edge_weights)
        ]

    def get_config(self):
        return {"radius": self.radius, "seed": self.seed}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@keras.saving.register_keras_serializable(package="tfdarts")
class AdversarialPerturbation(RandomPerturbation):
    """Moves the edge weights to where the training loss is larger.

    The perturbation starts with uniform noise and ascends the loss by
    projected gradient steps. If the loss is not larger in the end, the edge
    weights stay as they are.

    Args:
        radius: Float, the largest change of an edge weight before the edge
            weights are scaled to sum to 1. You may assign the attribute
            `radius` between steps.
        seed: Integer.
        steps: Integer, the number of gradient steps. Each moves an edge weight
            by `2 * radius / steps`. Defaults to `7`.

    Reference:

    - [Chen and Hsieh, 2020](https://arxiv.org/abs/2002.05283), equation 4, and
      their code
    """

    def __init__(self, radius: float, seed: int = 0, steps: int = 7):
        super().__init__(radius, seed)
        self.steps = steps

    def __call__(self, edge_weights, step, loss):
        before, _ = loss(edge_weights)
        perturbed = super().__call__(edge_weights, step)
        after, gradients = loss(perturbed)
        for _ in range(self.steps):
            perturbed = [
                self._ascend(*tensors)
                for tensors in zip(edge_weights, perturbed, gradients)
            ]
            after, gradients = loss(perturbed)
        return list(edge_weights) if before > after else perturbed

    def _ascend(self, start, weights, gradient):
        moved = weights + 2 * self.radius / self.steps * tf.sign(gradient)
        change = tf.clip_by_value(moved - start, -self.radius, self.radius)
        return to_simplex(start + change, start)

    def get_config(self):
        return {**super().get_config(), "steps": self.steps}


def to_simplex(values: tf.Tensor, start: tf.Tensor) -> tf.Tensor:
    """Returns edge weights that are not negative and sum to 1 on each edge.

    Values are clipped to [0, 1] and divided by their sum. If all of an edge
    are 0 then, its largest value becomes 1.

    Args:
        values: Tensor `(edges, primitives)`.
        start: Tensor of the same shape; where it is 0, so is the result.

    Example:

    >>> to_simplex([[0.9, 0.6, -0.1]], tf.ones((1, 3))).numpy().round(2)
    array([[0.6, 0.4, 0. ]], dtype=float32)
    """
    values = tf.where(start > 0, values, tf.constant(-2, start.dtype))
    clipped = tf.clip_by_value(values, 0, 1)
    largest = tf.one_hot(
        tf.argmax(values, axis=-1), values.shape[-1], dtype=values.dtype
    )
    # An edge that is cut has no weight.
    largest *= tf.cast(start > 0, values.dtype)
    total = tf.reduce_sum(clipped, axis=-1, keepdims=True)
    return tf.where(total > 0, tf.math.divide_no_nan(clipped, total), largest)
