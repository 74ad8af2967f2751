"""Hierarchical evolution as an oracle of keras-tuner."""

import numpy as np

from tfdarts.strategies.proposers.evolution_oracle import EvolutionOracle
from tfdarts.strategies.proposers.space_encoding import SpaceEncoding


class HierarchicalEvolutionOracle(EvolutionOracle):
    """Proposes mutations of cells of motifs.

    The first trials are random. A tournament has a share of all members so
    far, each at most once. No member leaves.

    Args:
        space: `HierarchicalSearchSpace`, which draws and mutates.
        population: Integer, the number of random members.
        tournament_share: Float, the share of the members that are drawn for a
            tournament, at least one.
        **kwargs: See `keras_tuner.Oracle`. The hyperparameters are those of
            the space.

    Reference:

    - [Liu et al., 2018](https://arxiv.org/abs/1711.00436), section 3
    """

    def __init__(self, space, population, tournament_share, **kwargs):
        self.encoding = SpaceEncoding(space)
        super().__init__(
            population,
            tournament=1,
            removal="none",
            hyperparameters=self.encoding.hyperparameters(),
            **kwargs,
        )
        self.tournament_share = tournament_share

    def draw_members(self, generator: np.random.Generator) -> np.ndarray:
        number = len(self.members)
        drawn = max(1, round(self.tournament_share * number))
        return generator.choice(number, drawn, replace=False)

    def sample(self, generator, values=None):
        return self.encoding.encode(self.encoding.space.draw(generator))

    def mutate(self, values, generator):
        parent = self.encoding.decode(values)
        child = self.encoding.space.mutate_often(parent, generator, count=1)
        return self.encoding.encode(child)
