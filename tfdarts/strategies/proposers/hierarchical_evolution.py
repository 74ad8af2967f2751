"""Hierarchical evolution: mutates cells of motifs."""

import dataclasses

from tfdarts.settings.fields import by_preset
from tfdarts.strategies.proposers.oracle_strategy import OracleSettings
from tfdarts.strategies.proposers.oracle_strategy import OracleStrategy


@dataclasses.dataclass(frozen=True)
class HierarchicalEvolutionSettings(OracleSettings):
    """The population of a hierarchical evolution."""

    of_few_candidates = {"population": 20, "tournament_share": 0.25}
    learns_after = "population"

    population: int = by_preset(
        200, "20", "Members that are drawn at random first.", least=1
    )
    tournament_share: float = by_preset(
        0.05,
        "0.25",
        "Share of the members so far that are drawn; the best is the parent.",
        above=0,
        most=1,
    )

    def __post_init__(self):
        super().__post_init__()
        if not self.search_space.structure.motifs:
            raise ValueError(
                f"--strategy={self.strategy} searches only spaces of motifs, "
                "such as --space=hierarchical for images. Received: "
                f"--space={self.space}. Give --strategy=evolution for this "
                "space."
            )


class HierarchicalEvolution(OracleStrategy):
    """Mutates cells whose operations are motifs; no member leaves.

    Reference:

    - [Liu et al., 2018](https://arxiv.org/abs/1711.00436)
    """

    name = "hierarchical_evolution"
    family = "Evolution"
    settings = HierarchicalEvolutionSettings
    published = {"space": "hierarchical"}
    oracle = (
        "tfdarts.strategies.proposers.hierarchical_evolution_oracle:"
        "HierarchicalEvolutionOracle"
    )
    takes_space = True
