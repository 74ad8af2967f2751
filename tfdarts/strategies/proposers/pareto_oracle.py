"""Evolution of a Pareto front as an oracle of keras-tuner."""

import json

import numpy as np

from tfdarts.strategies.proposers.evolution_oracle import EvolutionOracle
from tfdarts.strategies.proposers.pareto import crowded_order

MOST_REPEATED = 100
"""Proposals in a row that were trials before; the last is a trial again."""


class ParetoOracle(EvolutionOracle):
    """Proposes mutations of members of a population that trades costs off.

    The first trials are random. After each further trial, the member leaves
    that is the last by front and crowding distance. The parent is the best of
    a few members by the same order. Values that were a trial before are not
    proposed again.

    This is NSGA-II with one child at a time, and without crossover.

    Args:
        population, tournament: See `EvolutionOracle`.
        costs: Tuple of strings, the metrics of a trial that are minimized
            beside the objective.
        **kwargs: See `keras_tuner.Oracle`.

    Reference:

    - [Deb et al., 2002](https://doi.org/10.1109/4235.996017)
    """

    def __init__(self, population, tournament, costs, **kwargs):
        super().__init__(population, tournament, **kwargs)
        self.costs = costs
        self._of_trial = None

    def propose(self, generator: np.random.Generator) -> dict | None:
        known = {_key(t.hyperparameters.values) for t in self.trials.values()}
        order = crowded_order([each["point"] for each in self.members])
        for _ in range(MOST_REPEATED):
            if len(self.start_order) < self.population or not order:
                values = self.sample(generator)
            else:
                position = min(self.draw_members(generator))
                parent = self.members[order[position]]
                values = self.mutate(parent["values"], generator)
            if _key(values) not in known:
                break
        return values

    def score_trial(self, trial):
        metrics = trial.metrics
        self._of_trial = [
            float(metrics.get_last_value(name)) for name in self.costs
        ]
        super().score_trial(trial)

    def learn(self, values: dict, loss: float) -> None:
        point = [loss, *self._of_trial]
        self.members.append({"values": values, "loss": loss, "point": point})
        if len(self.members) > self.population:
            points = [each["point"] for each in self.members]
            del self.members[crowded_order(points)[-1]]


def _key(values):
    return json.dumps(values, sort_keys=True)
