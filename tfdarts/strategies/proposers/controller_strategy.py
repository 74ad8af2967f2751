"""The strategy that asks a recurrent controller for genotypes."""

import dataclasses

from tfdarts.settings.fields import by_preset
from tfdarts.settings.fields import setting
from tfdarts.strategies.proposers.oracle_strategy import OracleSettings
from tfdarts.strategies.proposers.oracle_strategy import OracleStrategy


@dataclasses.dataclass(frozen=True)
class ControllerSettings(OracleSettings):
    """The recurrent controller of a search, and how it learns."""

    of_few_candidates = {
        "controller_learning_rate": 0.01,
        "trials_per_update": 5,
    }
    learns_after = "trials_per_update"

    controller_units: int = setting(
        100, "Units of each layer of the controller, an LSTM.", least=1
    )
    controller_layers: int = setting(1, "Layers of the controller.", least=1)
    controller_learning_rate: float = by_preset(
        3.5e-4, "0.01", "Learning rate of the controller, for Adam.", above=0
    )
    trials_per_update: int = by_preset(
        20, "5", "Candidates whose results update the controller.", least=1
    )
    entropy_weight: float = setting(
        1e-5,
        "Weight of the policy's entropy, which is maximized too.",
        least=0,
    )
    baseline_decay: float = setting(
        0.95,
        "Decay of the average result, to which each candidate is compared.",
        least=0,
        below=1,
    )


class ControllerStrategy(OracleStrategy):
    """A strategy whose oracle has a recurrent controller.

    Attributes:
        init_range: Float, the largest initial weight of the controller.
    """

    init_range: float = 0.1

    def build_encoding(self, config):
        from tfdarts.strategies.controllers.cell_decisions import CellDecisions

        return CellDecisions(config.search_space)

    def build_oracle(self, config, hyperparameters):
        from tfdarts.strategies.proposers.controller_oracle import (
            ControllerOracle,
        )

        return ControllerOracle(
            self.build_policy(config),
            config.baseline_decay,
            config.trials_per_update,
            seed=config.seed,
            max_consecutive_failed_trials=None,
            **self.oracle_arguments(config),
        )

    def oracle_arguments(self, config):
        """Returns further arguments of the oracle, a dict."""
        return {}

    def build_policy(self, config, **arguments):
        """Returns the controller of a search as a `PolicyGradient`.

        Args:
            config: The settings of the search.
            **arguments: Further arguments of `PolicyGradient`.
        """
        import keras

        from tfdarts.strategies.controllers.policy_gradient import (
            PolicyGradient,
        )
        from tfdarts.strategies.controllers.recurrent_controller import (
            RecurrentController,
        )

        controller = RecurrentController(
            config.search_space,
            config.controller_units,
            config.controller_layers,
            self.init_range,
            seed=config.seed,
        )
        optimizer = keras.optimizers.Adam(
            config.controller_learning_rate, epsilon=1e-8
        )
        return PolicyGradient(
            controller, optimizer, config.entropy_weight, **arguments
        )
