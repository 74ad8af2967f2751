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
        "End after this many minutes, of all runs of the same command "
        "together, with the best candidate so far; more minutes resume; 0: "
        "no limit. With a table or a surrogate, the times of the trainings "
        "that it stands for count; with workers, those of all trainings.",
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
    if is_time_up(search):
        logger.info(
            "search: ended, because the candidates have cost %.1f minutes",
            search.seconds_spent / 60,
        )
        return True
    return False


def is_time_up(search):
    """Returns whether a search has used its minutes, if these are limited.

    Args:
        search: `TrialSearch`.
    """
    minutes = getattr(search.config, "max_minutes", 0)
    return bool(minutes) and search.seconds_spent >= 60 * minutes
