"""NASBOT: Bayesian optimization with optimal transport."""

import dataclasses

from tfdarts.settings.fields import setting
from tfdarts.strategies.proposers.oracle_strategy import OracleSettings
from tfdarts.strategies.proposers.oracle_strategy import OracleStrategy


@dataclasses.dataclass(frozen=True)
class NASBOTSettings(OracleSettings):
    """The beginning, and the effort for a proposal."""

    learns_after = "num_initial"
    needs_equal_cells = True

    num_initial: int = setting(
        20, "Candidates that are drawn at random first.", least=1
    )
    acquisitions: int = setting(
        100,
        "Mutations whose expected improvement is computed for a candidate.",
        least=1,
    )


class NASBOT(OracleStrategy):
    """Predicts results from the optimal transport between cells.

    Reference:

    - [Kandasamy et al., 2018](https://arxiv.org/abs/1802.07191)
    """

    name = "nasbot"
    family = "Models that predict results"
    settings = NASBOTSettings
    oracle = "tfdarts.strategies.proposers.nasbot_oracle:NASBOTOracle"
    takes_space = True
