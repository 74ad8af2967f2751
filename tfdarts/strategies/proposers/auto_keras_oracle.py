"""The search of Auto-Keras as an oracle of keras-tuner."""

import heapq
import itertools

import numpy as np

from tfdarts.strategies.proposers.edit_distance import EditDistance
from tfdarts.strategies.proposers.gaussian_process import lower_confidence_bound
from tfdarts.strategies.proposers.gaussian_process_oracle import (
    GaussianProcessOracle,
)

TEMPERATURES = 1.0, 1e-4
"""The temperatures at the beginning and at the end of annealing."""

COOLING = 0.9
"""The factor of the temperature after each step."""

CHILDREN = 8
"""The edits of a genotype in a step."""


class AutoKerasOracle(GaussianProcessOracle):
    """Proposes the genotype with the lowest confidence bound.

    The Gaussian process takes edit distances. A tree search with simulated
    annealing finds the genotype: it begins with all results, and edits the
    most promising genotype that it has not edited yet.

    Args:
        space: `tfdarts.CellSearchSpace`.
        num_initial: Integer, the number of random trials at the beginning.
        beta: Float, how many deviations the bound is below the prediction.
        **kwargs: See `keras_tuner.Oracle`. The hyperparameters are those of
            the space.

    Reference:

    - [Jin et al., 2019](https://arxiv.org/abs/1806.10282), algorithm 1
    """

    def __init__(self, space, num_initial=10, beta=2.576, **kwargs):
        super().__init__(space, EditDistance(space), num_initial, **kwargs)
        self.beta = beta

    def candidates(self, process, targets, generator):
        number = itertools.count()  # Of equal bounds, the first is first.
        heap = [
            (target, next(number), cells)
            for target, cells in zip(targets.tolist(), self.evaluated)
        ]
        heapq.heapify(heap)
        seen, bounds = {cells for _, _, cells in heap}, {}
        lowest = targets.min()
        temperature, end = TEMPERATURES
        while heap and temperature > end:
            temperature *= COOLING
            _, _, parent = heapq.heappop(heap)
            edited = (
                self.mutate_cells(parent, generator) for _ in range(CHILDREN)
            )
            # Not a set, whose order differs between processes.
            children = [e for e in dict.fromkeys(edited) if e not in seen]
            if not children:
                continue
            seen.update(children)
            found = lower_confidence_bound(
                *self.predict(process, children), self.beta
            )
            for bound, cells in zip(found.tolist(), children):
                bounds[cells] = bound
                # A lower bound is always accepted.
                gain = min((lowest - bound) / temperature, 0)
                if np.exp(gain) > generator.random():
                    heapq.heappush(heap, (bound, next(number), cells))
                lowest = min(lowest, bound)
        return sorted(bounds, key=bounds.get)
