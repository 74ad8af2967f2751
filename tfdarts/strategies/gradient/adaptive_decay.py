"""A search whose weight decay can be raised."""

import keras

from tfdarts.strategies.darts import DARTS
from tfdarts.strategies.early_stop_rules import ROLLBACK


@keras.saving.register_keras_serializable(package="tfdarts")
class AdaptiveDecay(DARTS):
    """`DARTS` that continues with more L2 where an early stop would end it.

    Args:
        supernet: See `DARTS`.
        weight_decay: Float, the first L2 of the weights.
        decay_factor: Float, what each rise multiplies it by. Defaults to `10`.
        largest_weight_decay: Float, which no rise exceeds. Defaults to `0.03`.
        **kwargs: Arguments of `DARTS`.

    Reference:

    - [Zela et al., 2020](https://arxiv.org/abs/1909.09656), appendix, and
      their code
    """

    checkpoints_kept = ROLLBACK + 1

    def __init__(
        self,
        supernet,
        weight_decay=3e-4,
        decay_factor=10.0,
        largest_weight_decay=0.03,
        **kwargs,
    ):
        super().__init__(supernet, **kwargs)
        self.first_weight_decay = weight_decay
        self.decay_factor = decay_factor
        self.largest_weight_decay = largest_weight_decay
        self.rises = keras.Variable(0.0, trainable=False, name="rises")

    @property
    def weight_decay(self):
        """The L2 of the weights after the rises so far."""
        rises = int(self.rises.numpy())
        return self.first_weight_decay * self.decay_factor**rises

    @property
    def may_stop_early(self):
        """Whether the weight decay can rise once more."""
        # Powers of decimal fractions are not exact.
        most = self.largest_weight_decay * (1 + 1e-9)
        return self.weight_decay * self.decay_factor <= most

    def raise_decay(self):
        """Raises the weight decay once."""
        self.rises.assign_add(1.0)

    def use_decay(self):
        """Makes later steps use the weight decay, which is compiled in."""
        self.optimizer.l2 = self.weight_decay
        self._apply_weights = self._compiled_loss.compiled(
            self._apply_to_weights
        )

    def get_config(self):
        return {
            **super().get_config(),
            "weight_decay": self.first_weight_decay,
            "decay_factor": self.decay_factor,
            "largest_weight_decay": self.largest_weight_decay,
        }
