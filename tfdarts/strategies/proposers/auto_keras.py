"""The search of Auto-Keras: Bayesian optimization with edit distances."""

import dataclasses

from tfdarts.settings.fields import setting
from tfdarts.strategies.proposers.oracle_strategy import OracleSettings
from tfdarts.strategies.proposers.oracle_strategy import OracleStrategy


@dataclasses.dataclass(frozen=True)
class AutoKerasSettings(OracleSettings):
    """The beginning, and how explorative proposals are."""

    learns_after = "num_initial"
    needs_equal_cells = True

    num_initial: int = setting(
        10, "Candidates that are drawn at random first.", least=1
    )
    beta: float = setting(
        2.576,
        "Standard deviations below the prediction: the larger, the more "
        "explorative.",
        least=0,
    )


class AutoKeras(OracleStrategy):
    """Predicts results from the edits between cells.

    Cells keep their size, so no edit preserves the function of a network. A
    candidate inherits weights of the candidate with the nearest cells.

    Reference:

    - [Jin et al., 2019](https://arxiv.org/abs/1806.10282)
    """

    name = "auto_keras"
    family = "Models that predict results"
    settings = AutoKerasSettings
    oracle = "tfdarts.strategies.proposers.auto_keras_oracle:AutoKerasOracle"
    takes_space = True

    def choose_parent(self, search, genotype, number):
        if number <= search.config.num_initial:
            return None
        from tfdarts.strategies.proposers.edit_distance import nearest

        trained = search.trained_before(number)
        return nearest(search.space, genotype, trained)
