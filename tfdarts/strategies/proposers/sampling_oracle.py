"""Random search as an oracle of keras-tuner."""

import keras_tuner
import numpy as np

from tfdarts.strategies.proposers.proposer import Proposer
from tfdarts.strategies.strategy import MOST_CANDIDATES

_NAME = "sample"


class SampleEncoding:
    """The random genotypes of a search space, by the seed of each draw.

    Args:
        space: `tfdarts.CellSearchSpace`.
        seed: Integer. Different seeds have different draws.

    Example:

    >>> from tfdarts.search_spaces.cnn import CNNSearchSpace
    >>> SampleEncoding(CNNSearchSpace(), seed=0).decode({"sample": 3}).name
    'random:3'
    """

    def __init__(self, space, seed):
        self.space = space
        self.first = seed * MOST_CANDIDATES

    def hyperparameters(self):
        """Returns the seeds of the draws, a `keras_tuner.HyperParameters`."""
        hyperparameters = keras_tuner.HyperParameters()
        last = self.first + MOST_CANDIDATES - 1
        hyperparameters.Int(_NAME, self.first, last)
        return hyperparameters

    def decode(self, values):
        """Returns the genotype of a draw.

        Args:
            values: Dict.
        """
        return self.space.sample(values[_NAME])


class SamplingOracle(Proposer):
    """Proposes the draws of `SampleEncoding`, one after the other.

    Args:
        **kwargs: See `keras_tuner.Oracle`.

    Reference:

    - [Li and Talwalkar, 2019](https://arxiv.org/abs/1902.07638)
    """

    def propose(self, generator: np.random.Generator) -> dict | None:
        (draws,) = self.hyperparameters.space
        drawn = len(self.start_order) + self.rejected
        return {_NAME: draws.min_value + drawn}

    def learn(self, values: dict, loss: float) -> None:
        """Ignores a result: random search does not learn."""
