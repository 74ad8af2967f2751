"""Reinforcement learning of a policy that draws genotypes."""

import dataclasses

from tfdarts.settings.fields import setting
from tfdarts.strategies.proposers.oracle_strategy import OracleSettings
from tfdarts.strategies.proposers.oracle_strategy import OracleStrategy


@dataclasses.dataclass(frozen=True)
class NASRLSettings(OracleSettings):
    """How the policy learns."""

    policy_learning_rate: float = setting(
        0.01, "Learning rate of the policy, for Adam.", above=0
    )
    baseline_decay: float = setting(
        0.9,
        "Decay of the average result, to which each candidate is compared.",
        least=0,
        below=1,
    )


class NASRL(OracleStrategy):
    """Learns by REINFORCE how probable each choice of a genotype is.

    References:

    - [Dong et al., 2021](https://arxiv.org/abs/2009.00437), which has the
      table of probabilities
    - [Zoph and Le, 2017](https://arxiv.org/abs/1611.01578)
    """

    name = "nas_rl"
    family = "Reinforcement learning"
    settings = NASRLSettings
    oracle = "tfdarts.strategies.proposers.reinforce_oracle:ReinforceOracle"
