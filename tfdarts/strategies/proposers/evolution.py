"""Evolution: mutates the best of a few members of a population."""

import dataclasses

from tfdarts.settings.fields import FromPython
from tfdarts.settings.fields import by_preset
from tfdarts.settings.fields import setting
from tfdarts.strategies.objectives import ACCURACY
from tfdarts.strategies.objectives import objectives
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
        when={"objective": ACCURACY},
    )
    objective: FromPython = setting(
        ACCURACY,
        "What the search improves: accuracy (the score of the evaluator), or "
        "accuracy and costs of the network, separated by commas: parameters, "
        "multiply_adds, milliseconds. With costs, the search keeps the "
        "genotypes of the Pareto front.",
        form=objectives,
    )

    @property
    def cost_objectives(self):
        """The costs that the search trades off, a tuple of names."""
        return tuple(self.objective.split(",")[1:])

    def __post_init__(self):
        super().__post_init__()
        if "milliseconds" in self.cost_objectives and self.has_workers:
            raise ValueError(
                "--objective=accuracy,milliseconds measures each network while "
                "nothing else runs, and workers train at this time: leave "
                "--num_workers and --listen out, or trade off multiply_adds "
                "instead."
            )
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

    With `--objective=accuracy,multiply_adds`, the members are sorted into
    Pareto fronts, and the most crowded one of the last front leaves.

    Reference:

    - [Real et al., 2019](https://arxiv.org/abs/1802.01548), and
      [Deb et al., 2002](https://doi.org/10.1109/4235.996017) for several
      objectives
    """

    name = "evolution"
    family = "Evolution"
    settings = EvolutionSettings

    def build_oracle(self, config, hyperparameters):
        from tfdarts.strategies.proposers.evolution_oracle import (
            EvolutionOracle,
        )
        from tfdarts.strategies.proposers.pareto_oracle import ParetoOracle

        of_all = {
            "population": config.population,
            "tournament": config.tournament,
            "hyperparameters": hyperparameters,
            "seed": config.seed,
            # A search continues, however many candidates fail in a row.
            "max_consecutive_failed_trials": None,
        }
        if config.cost_objectives:
            return ParetoOracle(costs=config.cost_objectives, **of_all)
        return EvolutionOracle(removal=config.removal, **of_all)
