"""Random search: draws candidates from the space and keeps the best."""

from tfdarts.strategies.strategy import MOST_CANDIDATES
from tfdarts.strategies.strategy import Strategy
from tfdarts.strategies.trial_budget import TrialBudget
from tfdarts.strategies.trial_budget import has_ended


class RandomSearch(Strategy):
    """Draws genotypes uniformly, trains each and keeps the best.

    Reference:

    - [Li and Talwalkar, 2019](https://arxiv.org/abs/1902.07638)
    """

    name = "random"
    family = "Controls"
    trains = "candidates"
    settings = TrialBudget

    def run(self, search):
        while not has_ended(search):
            # Searches with different seeds draw different candidates.
            first = search.config.seed * MOST_CANDIDATES
            search.evaluate(search.space.sample(first + len(search.trials)))
