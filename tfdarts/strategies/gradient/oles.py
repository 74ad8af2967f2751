"""DARTS that freezes operations which overfit."""

import dataclasses

from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import setting
from tfdarts.strategies.strategy import SupernetStrategy


@dataclasses.dataclass(frozen=True)
class OLESSettings(Settings):
    """When an operation is frozen."""

    freeze_every: int = setting(
        20,
        "Steps after which the operations are frozen whose gradients on both "
        "splits differ.",
        least=1,
    )
    freeze_below: float = setting(
        0.4,
        "Mean cosine of these gradients below which an operation is frozen.",
        least=-1,
        most=1,
    )


class OLES(SupernetStrategy):
    """DARTS that freezes operations which overfit.

    Reference:

    - [Jiang et al., 2023](https://openreview.net/forum?id=yAOwkf4FyL)
    """

    name = "oles"
    settings = OLESSettings
    fixed = {"order": 1, "update_order": "alpha_first"}

    def search_arguments(self, config):
        return {
            "freeze_every": config.freeze_every,
            "freeze_below": config.freeze_below,
        }

    def build_search(self, supernet, **arguments):
        from tfdarts.strategies.gradient.operation_freezing import (
            OperationFreezing,
        )

        return OperationFreezing(supernet, **arguments)
