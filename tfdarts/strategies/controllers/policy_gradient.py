"""Policy gradients: REINFORCE and PPO for a recurrent controller."""

import base64

import keras
import numpy as np
import tensorflow as tf

from tfdarts.strategies.controllers.recurrent_controller import (
    RecurrentController,
)


def clipped_objective(
    log_probabilities: tf.Tensor,
    first_log_probabilities: tf.Tensor,
    advantages: tf.Tensor,
    clip: float,
) -> tf.Tensor:
    """Returns the objective of PPO, which is maximized.

    With the ratio `r` of a sample's probability to its probability before the
    update, and its advantage `A`, it is the mean of
    `min(r * A, clip(r, 1 - clip, 1 + clip) * A)`. Where all ratios are 1, its
    gradient is that of REINFORCE.

    Args:
        log_probabilities: Array `(batch,)`.
        first_log_probabilities: Array `(batch,)`, those before the update.
        advantages: Array `(batch,)`.
        clip: Float.

    Example:

    >>> objective = clipped_objective(np.log([3.0, 0.5]), [0.0, 0.0], 1.0, 0.2)
    >>> round(float(objective), 2)  # (1.2 + 0.5) / 2
    0.85

    Reference:

    - [Schulman et al., 2017](https://arxiv.org/abs/1707.06347), equation 7
    """
    ratio = tf.exp(log_probabilities - first_log_probabilities)
    clipped = tf.clip_by_value(ratio, 1 - clip, 1 + clip)
    return tf.reduce_mean(tf.minimum(ratio * advantages, clipped * advantages))


class PolicyGradient:
    """Updates a controller by PPO; with one epoch, this is REINFORCE.

    A sample is a whole sequence of decisions, so its probability is the
    product of theirs.

    Args:
        controller: `RecurrentController`.
        optimizer: Keras optimizer. It is built here.
        entropy_weight: Float, the weight of the entropy of a sequence, which
            is maximized too. Defaults to `0.0`.
        epochs: Integer, the steps of an update, each on the whole batch. In
            the first step all ratios of PPO are 1, so one epoch is REINFORCE.
            Defaults to `1`.
        clip: Float, how far the ratio of probabilities may be from 1 before
            the objective is constant. Defaults to `0.2`.

    References:

    - [Williams, 1992](https://doi.org/10.1007/BF00992696)
    - [Schulman et al., 2017](https://arxiv.org/abs/1707.06347)
    """

    def __init__(
        self,
        controller: RecurrentController,
        optimizer: keras.Optimizer,
        entropy_weight: float = 0.0,
        epochs: int = 1,
        clip: float = 0.2,
    ):
        self.controller = controller
        self.optimizer = optimizer
        self.entropy_weight = entropy_weight
        self.epochs = epochs
        self.clip = clip
        optimizer.build(controller.trainable_variables)
        self._step = tf.function(self._take_step, autograph=False)

    def update(self, choices: np.ndarray, advantages: np.ndarray) -> None:
        """Makes choices with positive advantages more probable, others less.

        Args:
            choices: Integer array `(batch, num_decisions)`, drawn from the
                controller as it is.
            advantages: Array `(batch,)`, how much better each is than the
                baseline.
        """
        choices = tf.convert_to_tensor(choices, "int32")
        advantages = tf.cast(advantages, self.controller.compute_dtype)
        first = tf.zeros_like(advantages)
        for epoch in range(self.epochs):
            is_first = tf.constant(epoch == 0)
            first = self._step(choices, advantages, first, is_first)

    def evaluate(self, choices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns log-probabilities and entropies of sequences, `(batch,)`.

        Args:
            choices: Integer array `(batch, num_decisions)`.
        """
        found = self.controller(choices)
        return tuple(tf.reduce_sum(each, axis=1) for each in found)

    def loss(
        self,
        log_probabilities: tf.Tensor,
        first_log_probabilities: tf.Tensor,
        advantages: tf.Tensor,
        entropies: tf.Tensor,
    ) -> tf.Tensor:
        """Returns minus the objective of PPO, minus the weighted entropy.

        Args:
            log_probabilities: Array `(batch,)`.
            first_log_probabilities: Array `(batch,)`, those before the
                update.
            advantages: Array `(batch,)`.
            entropies: Array `(batch,)`.
        """
        objective = clipped_objective(
            log_probabilities, first_log_probabilities, advantages, self.clip
        )
        return -objective - self.entropy_weight * tf.reduce_mean(entropies)

    def _take_step(self, choices, advantages, first, is_first):
        """Takes a step, and returns the log-probabilities before the first."""
        weights = self.controller.trainable_variables
        with tf.GradientTape() as tape:
            now, entropy = self.evaluate(choices)
            first = tf.where(is_first, tf.stop_gradient(now), first)
            loss = self.loss(now, first, advantages, entropy)
        gradients = tape.gradient(
            loss,
            [each.value for each in weights],
            # A space without choices of predecessors has no attention.
            unconnected_gradients="zero",
        )
        self.optimizer.apply(gradients, weights)
        return first

    @property
    def variables(self) -> list[keras.Variable]:
        """The weights of the controller and the state of the optimizer."""
        return [*self.controller.trainable_variables, *self.optimizer.variables]

    def get_state(self) -> list[str]:
        """Returns all variables exactly, as texts for JSON."""
        return [
            base64.b64encode(np.asarray(each.numpy()).tobytes()).decode()
            for each in self.variables
        ]

    def set_state(self, state: list[str]) -> None:
        """Sets all variables.

        Args:
            state: The result of `get_state`.
        """
        for variable, text in zip(self.variables, state, strict=True):
            values = np.frombuffer(base64.b64decode(text), variable.dtype)
            variable.assign(values.reshape(variable.shape))
