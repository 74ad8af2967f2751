"""Reinforcement learning of a policy that draws genotypes."""

import dataclasses
import math

from tfdarts.settings.fields import setting
from tfdarts.settings.fields import with_condition
from tfdarts.settings.fields import with_published
from tfdarts.strategies.proposers.controller_strategy import ControllerSettings
from tfdarts.strategies.proposers.controller_strategy import ControllerStrategy
from tfdarts.strategies.proposers.oracle_strategy import OracleStrategy

REWARD_OF_PERPLEXITY = 80
"""The reward of a perplexity of 1."""


def _of_recurrent(name, published):
    """Returns a setting of the recurrent controller, with a published value."""
    field = with_published(
        ControllerSettings.__dataclass_fields__[name], published
    )
    return with_condition(field, controller="recurrent")


@dataclasses.dataclass(frozen=True)
class NASRLSettings(ControllerSettings):
    """The policy and how it learns."""

    controller: str = setting(
        "tabular",
        "The policy: tabular (a softmax for each choice) or recurrent (an "
        "LSTM that draws one choice after the other).",
        choices=("tabular", "recurrent"),
    )
    policy_learning_rate: float = setting(
        0.01,
        "Learning rate of the tabular policy, for Adam.",
        above=0,
        when={"controller": "tabular"},
    )
    reward: str = setting(
        "paper",
        "What the recurrent controller maximizes: paper (the cube of an "
        "accuracy; for texts, 80 over the squared perplexity) or score (the "
        "accuracy; for texts, minus the loss).",
        choices=("paper", "score"),
        when={"controller": "recurrent"},
    )
    controller_units: int = _of_recurrent("controller_units", 35)
    controller_layers: int = _of_recurrent("controller_layers", 2)
    controller_learning_rate: float = _of_recurrent(
        "controller_learning_rate", 6e-4
    )
    trials_per_update: int = _of_recurrent("trials_per_update", 8)
    entropy_weight: float = _of_recurrent("entropy_weight", 0.0)
    baseline_decay: float = with_published(
        ControllerSettings.__dataclass_fields__["baseline_decay"], 0.9
    )

    @property
    def needs_equal_cells(self):
        """See `OracleSettings`."""
        return self.controller == "recurrent"


class NASRL(ControllerStrategy):
    """Learns by REINFORCE how probable each choice of a genotype is.

    References:

    - [Zoph and Le, 2017](https://arxiv.org/abs/1611.01578), which has the
      recurrent controller
    - [Dong et al., 2021](https://arxiv.org/abs/2009.00437), which has the
      table of probabilities
    """

    name = "nas_rl"
    family = "Reinforcement learning"
    settings = NASRLSettings
    init_range = 0.08

    def build_encoding(self, config):
        if config.controller == "tabular":
            return OracleStrategy.build_encoding(self, config)
        return super().build_encoding(config)

    def build_oracle(self, config, hyperparameters):
        if config.controller == "recurrent":
            return super().build_oracle(config, hyperparameters)
        from tfdarts.strategies.proposers.reinforce_oracle import (
            ReinforceOracle,
        )

        return ReinforceOracle(
            config.policy_learning_rate,
            config.baseline_decay,
            hyperparameters=hyperparameters,
            seed=config.seed,
            max_consecutive_failed_trials=None,
        )

    def oracle_arguments(self, config):
        if config.reward == "score":
            return {}
        of_texts = config.search_space.structure.primitives == "activations"
        return {"reward": _reward_of_loss if of_texts else _cube}


def _cube(score):
    return score**3


def _reward_of_loss(score):
    """Returns the reward of a perplexity, whose logarithm is the loss."""
    return REWARD_OF_PERPLEXITY * math.exp(2 * score)
