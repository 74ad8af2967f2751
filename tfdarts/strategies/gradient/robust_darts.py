"""DARTS that raises its weight decay when the curvature in alpha grows."""

import dataclasses
import logging

from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import setting
from tfdarts.strategies.strategy import SupernetStrategy

logger = logging.getLogger("tfdarts")


@dataclasses.dataclass(frozen=True)
class RobustDARTSSettings(Settings):
    """How the weight decay adapts."""

    decay_factor: float = setting(
        10.0,
        "What --weight_decay is multiplied by where --early_stop would end "
        "the search, which continues from the epoch that would be its result.",
        above=1,
    )
    largest_weight_decay: float = setting(
        0.03, "Weight decay that no rise exceeds.", above=0
    )

    def __post_init__(self):
        super().__post_init__()
        if getattr(self, "early_stop", None) == "none":
            raise ValueError(
                "--strategy=robust_darts adapts the weight decay to "
                "--early_stop: do not give --early_stop=none."
            )
        first = getattr(self, "weight_decay", 0.0)
        if first * self.decay_factor > self.largest_weight_decay * (1 + 1e-9):
            raise ValueError(
                "The weight decay can never rise: --weight_decay times "
                "--decay_factor must be at most --largest_weight_decay. "
                f"Received: {first}, {self.decay_factor} and "
                f"{self.largest_weight_decay}."
            )


class RobustDARTS(SupernetStrategy):
    """DARTS that raises its weight decay when the curvature in alpha grows.

    Where the early stopping rule would end the search, the search goes back to
    the epoch that would be its result, and on with more weight decay. With the
    largest weight decay it continues to the last epoch. `--search_drop_path` is
    the paper's other regularization.

    Reference:

    - [Zela et al., 2020](https://arxiv.org/abs/1909.09656), and their code
    """

    name = "robust_darts"
    settings = RobustDARTSSettings
    # Texts have no early stopping rules.
    parts = {"early_stop": "robust_darts", "search_drop_path": 0.0}
    # It goes back to earlier epochs, which may be of another supernet.
    fixed = {"stage_primitives": "none"}

    def search_arguments(self, config):
        return {
            "weight_decay": config.weight_decay,
            "decay_factor": config.decay_factor,
            "largest_weight_decay": config.largest_weight_decay,
        }

    def build_search(self, supernet, **arguments):
        from tfdarts.strategies.gradient.adaptive_decay import AdaptiveDecay

        return AdaptiveDecay(supernet, **arguments)

    def callbacks(self, config, search):
        import keras

        return [
            keras.callbacks.LambdaCallback(
                on_train_begin=lambda logs: search.use_decay()
            )
        ]

    def run(self, search):
        search.fit()
        while search.early_stop.applies and not search.is_out_of_time:
            darts = search.work.darts
            search.roll_back(search.best_epoch, darts.raise_decay)
            logger.info(
                "search: continuing after epoch %d with a weight decay of %g",
                search.best_epoch,
                darts.weight_decay,
            )
            search.fit()
