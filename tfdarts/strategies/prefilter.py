"""Choosing among proposals before any of them is trained."""

import dataclasses

from tfdarts.settings.conditions import GIVEN
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import setting

SCORES = ("synflow", "jacov", "grad_norm", "params")
"""Scores of networks that were not trained; the highest is the best."""


@dataclasses.dataclass(frozen=True)
class PrefilterSettings(Settings):
    """How proposals are compared before one of them is evaluated."""

    prefilter: str = setting(
        "none",
        "Score of untrained networks that chooses each candidate among "
        "--prefilter_pool proposals: synflow, jacov, grad_norm, params (the "
        "number of parameters, as a control) or none.",
        choices=("none", *SCORES),
    )
    prefilter_pool: int = setting(
        10,
        "Proposals of which the one with the best score becomes a candidate.",
        least=2,
        when={"prefilter": GIVEN},
    )
