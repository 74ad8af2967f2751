"""When a search that evaluates candidates ends before the last one."""

import dataclasses
import logging

from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import setting

logger = logging.getLogger("tfdarts")


@dataclasses.dataclass(frozen=True)
class TrialBudget(Settings):
    """When a search ends before its last candidate."""

    patience: int = setting(
        0,
        "End after this many candidates in a row that are not better than the "
        "best before them; 0: evaluate all.",
        least=0,
    )
    max_minutes: float = setting(
        0.0,
        "End with the candidate whose evaluation reaches this total cost, in "
        "minutes; 0: no limit. With a table or a surrogate, the cost is the "
        "time of the trainings that it stands for.",
        least=0,
    )

    def __post_init__(self):
        super().__post_init__()
        if self.patience and self.patience >= self.num_candidates:
            raise ValueError(
                f"--patience must be below --num_candidates, "
                f"{self.num_candidates}. Received: {self.patience}."
            )


def has_ended(search):
    """Returns whether a search has used its budget; logs the reason.

    Args:
        search: `TrialSearch` whose config is a `TrialBudget`.
    """
    config = search.config
    if len(search.trials) >= config.num_candidates:
        return True
    if config.patience and search.trials_since_best >= config.patience:
        logger.info(
            "search: ended, because none of the last %d candidates was better",
            config.patience,
        )
        return True
    if config.max_minutes and search.seconds >= 60 * config.max_minutes:
        logger.info(
            "search: ended, because the candidates have cost %.1f minutes",
            search.seconds / 60,
        )
        return True
    return False
