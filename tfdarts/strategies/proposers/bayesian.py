"""Bayesian optimization by keras-tuner."""

import dataclasses

from tfdarts.settings.fields import setting
from tfdarts.strategies.proposers.oracle_strategy import OracleSettings
from tfdarts.strategies.proposers.oracle_strategy import OracleStrategy


@dataclasses.dataclass(frozen=True)
class BayesianSettings(OracleSettings):
    """The Gaussian process and its beginning."""

    learns_after = "num_initial_points"

    num_initial_points: int = setting(
        20, "Candidates that are drawn at random first.", least=1
    )
    beta: float = setting(
        2.6,
        "Standard deviations below the prediction: the larger, the more "
        "explorative.",
        least=0,
    )


class Bayesian(OracleStrategy):
    """Predicts the best genotype by a Gaussian process (keras-tuner's).

    Reference:

    - [Snoek et al., 2012](https://arxiv.org/abs/1206.2944)
    """

    name = "bayesian"
    family = "Models that predict results"
    settings = BayesianSettings
    oracle = "tfdarts.strategies.proposers.bayesian_oracle:BayesianOracle"
