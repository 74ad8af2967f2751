"""Random search: draws candidates from the space and keeps the best."""

import dataclasses
import logging

from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import setting
from tfdarts.strategies.strategy import MOST_CANDIDATES
from tfdarts.strategies.strategy import Strategy

logger = logging.getLogger("tfdarts")


@dataclasses.dataclass(frozen=True)
class RandomSearchSettings(Settings):
    """When a random search ends before its last candidate."""

    patience: int = setting(
        0,
        "End after this many candidates in a row that are not better than the "
        "best before them; 0: train all.",
        least=0,
    )

    def __post_init__(self):
        super().__post_init__()
        if self.patience and self.patience >= self.num_candidates:
            raise ValueError(
                f"--patience must be below --num_candidates, "
                f"{self.num_candidates}. Received: {self.patience}."
            )


class RandomSearch(Strategy):
    """Draws genotypes uniformly, trains each and keeps the best.

    Reference:

    - [Li and Talwalkar, 2019](https://arxiv.org/abs/1902.07638)
    """

    name = "random"
    trains = "candidates"
    settings = RandomSearchSettings

    def run(self, search):
        config = search.config
        while len(search.trials) < config.num_candidates:
            if config.patience and search.trials_since_best >= config.patience:
                logger.info(
                    "search: ended, because none of the last %d candidates "
                    "was better",
                    config.patience,
                )
                return
            # Searches with different seeds draw different candidates.
            number = config.seed * MOST_CANDIDATES + len(search.trials)
            search.evaluate(search.space.sample(number))
