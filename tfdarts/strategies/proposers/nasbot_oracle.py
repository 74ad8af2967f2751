"""NASBOT as an oracle of keras-tuner."""

import numpy as np

from tfdarts.strategies.proposers.gaussian_process import expected_improvement
from tfdarts.strategies.proposers.gaussian_process_oracle import (
    GaussianProcessOracle,
)
from tfdarts.strategies.proposers.transport_distance import TransportDistance

STEPS = 0.5, 0.25, 0.125, 0.075, 0.05
"""The probabilities of 1, 2, 3, 4 and 5 edits in a mutation."""

CHILDREN = 50
"""The mutations of a generation."""

SPREAD = 2.0
"""The acquisition's deviations by which a parent is e times as probable."""


class NASBOTOracle(GaussianProcessOracle):
    """Proposes the genotype with the best expected improvement.

    The Gaussian process takes distances by optimal transport. Evolution finds
    the genotype: parents are drawn from all results and mutations so far, the
    more promising the more often.

    Args:
        space: `tfdarts.CellSearchSpace`.
        num_initial: Integer, the number of random trials at the beginning.
        acquisitions: Integer, the mutations whose expected improvement is
            computed for a trial.
        **kwargs: See `keras_tuner.Oracle`. The hyperparameters are those of
            the space.

    Reference:

    - [Kandasamy et al., 2018](https://arxiv.org/abs/1802.07191)
    """

    def __init__(self, space, num_initial=20, acquisitions=100, **kwargs):
        metric = TransportDistance(space)
        super().__init__(space, metric, num_initial, **kwargs)
        self.acquisitions = acquisitions

    def candidates(self, process, targets, generator):
        best = targets.min()
        pool = dict(self._improvements(process, self.evaluated, best))
        for first in range(0, self.acquisitions, CHILDREN):
            size = min(CHILDREN, self.acquisitions - first)
            parents = self._draw_parents(pool, size, generator)
            children = [self._mutate(cells, generator) for cells in parents]
            pool |= self._improvements(process, children, best)
        return sorted(pool, key=pool.get, reverse=True)

    def _improvements(self, process, genotypes, best):
        """Returns pairs of genotypes and their expected improvements."""
        mean, deviation = self.predict(process, genotypes)
        improvements = expected_improvement(mean, deviation, best)
        return zip(genotypes, improvements.tolist(), strict=True)

    def _draw_parents(self, pool, size, generator):
        """Returns genotypes of a pool, the more promising the more often."""
        improvements = np.array([*pool.values()])
        deviation = improvements.std() or 1
        logits = (improvements - improvements.max()) / (SPREAD * deviation)
        probabilities = np.exp(logits) / np.exp(logits).sum()
        drawn = generator.choice(len(pool), size, p=probabilities)
        genotypes = [*pool]
        return [genotypes[number] for number in drawn]

    def _mutate(self, cells, generator):
        for _ in range(1 + generator.choice(len(STEPS), p=STEPS)):
            cells = self.mutate_cells(cells, generator)
        return cells
