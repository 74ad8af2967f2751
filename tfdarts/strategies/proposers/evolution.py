"""Evolution: mutates the best of a few members of a population."""

import dataclasses

from tfdarts.settings.fields import by_preset
from tfdarts.settings.fields import setting
from tfdarts.strategies.proposers.oracle_strategy import OracleSettings
from tfdarts.strategies.proposers.oracle_strategy import OracleStrategy


@dataclasses.dataclass(frozen=True)
class EvolutionSettings(OracleSettings):
    """The population of an evolution."""

    of_few_candidates = {"population": 20, "tournament": 5}
    learns_after = "population"

    population: int = by_preset(
        100, "20", "Members of the population.", least=1
    )
    tournament: int = by_preset(
        25,
        "5",
        "Members that are drawn, with replacement; the best is the parent.",
        least=1,
    )
    removal: str = setting(
        "oldest",
        "Member that leaves for a new one: oldest (regularized evolution), "
        "worst (without aging), or none (the population grows).",
        choices=("oldest", "worst", "none"),
    )

    def __post_init__(self):
        super().__post_init__()
        for name, more in (("tournament", 1), ("removal", 2)):
            needed = (self.population or 0) + more
            if self.is_given(name) and self.num_candidates < needed:
                raise ValueError(
                    f"--{name}={getattr(self, name)} has no effect before "
                    f"candidate {needed}, as the first {self.population} "
                    "candidates, --population, are random: raise "
                    "--num_candidates, lower --population, or leave "
                    f"--{name} out."
                )


class Evolution(OracleStrategy):
    """Mutates the best of a few members of a population, which age.

    Reference:

    - [Real et al., 2019](https://arxiv.org/abs/1802.01548)
    """

    name = "evolution"
    family = "Evolution"
    settings = EvolutionSettings
    oracle = "tfdarts.strategies.proposers.evolution_oracle:EvolutionOracle"
