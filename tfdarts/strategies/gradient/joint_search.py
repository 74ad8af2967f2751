"""A search of one level: weights and alphas descend the same loss."""

import keras
import tensorflow as tf

from tfdarts.strategies.darts import DARTS
from tfdarts.strategies.pairs import validate_pair

OF_TWO_LEVELS = (
    "order",
    "method",
    "update_order",
    "alpha_warmup_steps",
    "clip_virtual_step",
    "perturbation",
)
"""The options of `DARTS` that a joint search does not have."""


@keras.saving.register_keras_serializable(package="tfdarts")
class JointSearch(DARTS):
    """Searches with one loss on all examples and one pass for each step.

    Each step joins both batches of a pair to one batch. One gradient of its
    loss moves the weights, another the alphas. Validation after an epoch sees
    examples that the weights learn from.

    Args:
        supernet, micro_batches, derive, alpha_regularizer, distribution: See
            `DARTS`.

    Raises:
        ValueError: If an option of two levels is given, such as `order`.

    Reference:

    - [Xie et al., 2019](https://arxiv.org/abs/1812.09926), section 2.2
    """

    def __init__(
        self,
        supernet,
        micro_batches=1,
        derive=None,
        alpha_regularizer=None,
        distribution=None,
        **kwargs,
    ):
        if unused := {*OF_TWO_LEVELS} & {*kwargs}:
            raise ValueError(
                "A joint search has one level, so these options would have no "
                f"effect: leave out {', '.join(sorted(unused))}."
            )
        super().__init__(
            supernet,
            order=1,
            micro_batches=micro_batches,
            derive=derive,
            alpha_regularizer=alpha_regularizer,
            distribution=distribution,
            **kwargs,
        )

    def train_step(self, data):
        """Takes one step of the search."""
        pair = validate_pair(data, self.supernet, self.loss_function)
        batch = tf.nest.map_structure(
            lambda *rows: tf.concat(rows, axis=0), *pair
        )
        outcome = self.update_weights(self._parts(batch, "train"))
        alphas = [v.value for v in self.alpha_variables]
        _, gradients = self._add_penalties(outcome, alphas)
        self._apply_alphas(gradients)
        results = self.get_metrics_result()
        del results[self.alpha_loss_tracker.name]  # There is one loss.
        return results

    def get_config(self):
        config = super().get_config()
        return {k: v for k, v in config.items() if k not in OF_TWO_LEVELS}
