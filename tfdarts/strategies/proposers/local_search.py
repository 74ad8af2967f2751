"""Local search: mutates the best genotype so far."""

import dataclasses

from tfdarts.settings.fields import setting
from tfdarts.strategies.proposers.oracle_strategy import OracleSettings
from tfdarts.strategies.proposers.oracle_strategy import OracleStrategy


@dataclasses.dataclass(frozen=True)
class LocalSearchSettings(OracleSettings):
    """The beginning of a local search."""

    learns_after = "num_initial"

    num_initial: int = setting(
        10, "Candidates that are drawn at random first.", least=1
    )


class LocalSearch(OracleStrategy):
    """Mutates the best genotype so far; a control for other strategies.

    Reference:

    - [White et al., 2021](https://arxiv.org/abs/2005.02960)
    """

    name = "local_search"
    family = "Controls"
    settings = LocalSearchSettings
    oracle = (
        "tfdarts.strategies.proposers.local_search_oracle:LocalSearchOracle"
    )
