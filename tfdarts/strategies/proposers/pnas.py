"""PNAS: cells of few different nodes first, and larger ones later."""

import dataclasses

from tfdarts.settings.fields import by_preset
from tfdarts.strategies.proposers.oracle_strategy import OracleSettings
from tfdarts.strategies.proposers.oracle_strategy import OracleStrategy


@dataclasses.dataclass(frozen=True)
class PNASSettings(OracleSettings):
    """The number of cells of each level."""

    of_few_candidates = {"beam": 64}
    needs_equal_cells = True

    beam: int = by_preset(
        256, "64", "Cells that are tried after each prediction.", least=1
    )


class PNAS(OracleStrategy):
    """Grows cells node by node; predictors rank those to try next.

    A cell with fewer nodes than the space repeats its last one, so that all
    candidates are networks of the same size; in the paper, the first ones are
    smaller. The predictors are perceptrons, one of the two kinds of the paper.

    Reference:

    - [Liu et al., 2018](https://arxiv.org/abs/1712.00559)
    """

    name = "pnas"
    family = "Models that predict results"
    settings = PNASSettings
    oracle = "tfdarts.strategies.proposers.pnas_oracle:PNASOracle"
    takes_space = True
