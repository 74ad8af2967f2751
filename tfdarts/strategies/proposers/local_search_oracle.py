"""Local search as an oracle of keras-tuner."""

import numpy as np

from tfdarts.strategies.proposers.proposer import Proposer

ATTEMPTS = 20
"""Mutations of the best to draw before one is mutated again."""

LONGEST_WALK = 50
"""Mutations of mutations after which nothing untried seems to be left."""


class LocalSearchOracle(Proposer):
    """Proposes mutations of the best values so far.

    Values that were tried are not proposed again: if many mutations of the
    best were tried, their mutations follow. After all values, no more come.

    Args:
        num_initial: Integer, the number of random trials at the beginning.
            Defaults to `10`.
        **kwargs: See `keras_tuner.Oracle`.

    Reference:

    - [White et al., 2021](https://arxiv.org/abs/2005.02960)
    """

    def __init__(self, num_initial: int = 10, **kwargs):
        super().__init__(**kwargs)
        self.num_initial = num_initial
        self.best = None

    def propose(self, generator: np.random.Generator) -> dict | None:
        if len(self.start_order) < self.num_initial or self.best is None:
            return self.sample(generator)
        parent = self.best["values"]
        for _ in range(LONGEST_WALK):
            for _ in range(ATTEMPTS):
                values = self.mutate(parent, generator)
                if not self._duplicate(values):
                    return values
            parent = values
        return None

    def learn(self, values: dict, loss: float) -> None:
        if self.best is None or loss < self.best["loss"]:
            self.best = {"values": values, "loss": loss}

    def get_state(self) -> dict:
        return {**super().get_state(), "best": self.best}

    def set_state(self, state: dict) -> None:
        super().set_state(state)
        self.best = state["best"]
