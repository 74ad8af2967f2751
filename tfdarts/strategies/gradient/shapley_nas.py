"""PC-DARTS whose alphas follow the Shapley values of the operations."""

import dataclasses

from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import setting
from tfdarts.strategies.strategy import SupernetStrategy


@dataclasses.dataclass(frozen=True)
class ShapleySettings(Settings):
    """How the Shapley values are estimated."""

    shapley_samples: int = setting(
        10, "Orders in which operations leave, per epoch.", least=1
    )
    shapley_batches: int = setting(
        4, "Validation batches that each of these orders is valued on.", least=1
    )
    shapley_momentum: float = setting(
        0.8,
        "Share of the earlier epochs in the values that alpha moves by.",
        least=0,
        below=1,
    )
    shapley_least_accuracy: float = setting(
        0.5,
        "Share of the supernet's accuracy below which no more operations "
        "leave.",
        least=0,
        below=1,
    )

    def __post_init__(self):
        super().__post_init__()
        if getattr(self, "relaxation", None) == "straight_through":
            raise ValueError(
                "--strategy=shapley_nas lets operations leave one after the "
                "other, and --relaxation=straight_through computes one of an "
                "edge: choose another --relaxation."
            )


class ShapleyNAS(SupernetStrategy):
    """PC-DARTS whose alphas follow the Shapley values of the operations.

    Edges are not normalized. The channels that bypass the operations of an
    edge shrink with the weights that have left, where those of the authors
    stay as they are.

    Reference:

    - [Xiao et al., 2022](https://arxiv.org/abs/2206.09811), and their code
    """

    name = "shapley_nas"
    settings = ShapleySettings
    takes_limits = False
    parts = {"mixed_op": "partial"}
    published = {
        "batch_size": 256,
        "learning_rate": 0.1,
        "min_learning_rate": 0.0,
        "alpha_warmup_epochs": 25,
    }
    fixed = {
        "order": 1,
        "update_order": "alpha_first",
        "edge_normalization": False,
        "alpha_optimizer": "adam",
        "alpha_regularizer": "none",
        # What the authors multiply the values by.
        "alpha_learning_rate": 0.1,
        # Alpha takes one step an epoch.
        "alpha_learning_rate_schedule": "constant",
        "alpha_weight_decay": 0.0,
    }

    def search_arguments(self, config):
        return {
            "samples": config.shapley_samples,
            "batches": config.shapley_batches,
            "momentum": config.shapley_momentum,
            "least_accuracy": config.shapley_least_accuracy,
            "seed": config.seed,
        }

    def build_search(self, supernet, **arguments):
        from tfdarts.strategies.gradient.shapley import ShapleySearch

        return ShapleySearch(supernet, **arguments)

    def optimizers(self, config, weight_optimizer, alpha_optimizer):
        """Returns the optimizer of DARTS, and plain steps for alpha."""
        from tfdarts.training.optimizers import SGD

        return weight_optimizer, SGD(config.alpha_learning_rate, momentum=0.0)
