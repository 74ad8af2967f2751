"""Random search: draws candidates from the space and keeps the best."""

import dataclasses

from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import setting
from tfdarts.strategies.strategy import STRATEGY
from tfdarts.strategies.strategy import Strategy

_FAR_APART = 2**20
"""Searches with different seeds draw different candidates up to this many."""


@dataclasses.dataclass(frozen=True)
class RandomSearchSettings(Settings):
    """How many candidates a random search draws."""

    strategy: str = setting("random", STRATEGY)
    num_candidates: int = setting(
        8,
        "Candidates that are drawn and trained.",
        least=1,
        below=_FAR_APART,
    )
    patience: int = setting(
        0,
        "End after so many candidates in a row that are not better than the "
        "best before them; 0: train all.",
        least=0,
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
                return
            number = config.seed * _FAR_APART + len(search.trials)
            search.evaluate(search.space.sample(number))
