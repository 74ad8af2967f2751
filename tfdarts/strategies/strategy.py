"""The interface of a search strategy."""

from typing import Any

from tfdarts.settings.fields import Settings

STRATEGY = (
    "How the architecture is found: darts (gradient descent on a supernet), "
    "random (candidates drawn and trained briefly), or a strategy of your "
    "own. Each strategy has flags of its own: give --help beside "
    "--strategy=random to see them."
)

MOST_CANDIDATES = 2**20
"""Candidates that a search may have."""


class Strategy:
    """A way to find an architecture.

    A subclass implements `run`. `tfdarts.register_strategy` makes a strategy
    available to `tfdarts.search` and to the option `--strategy` of commands.

    Attributes:
        name: String, the value of `--strategy`.
        trains: String, what the strategy trains: `"supernet"`, one model that
            contains all networks, or `"candidates"`, one network after the
            other.
        settings: Dataclass, a subclass of `tfdarts.Settings`: settings of the
            strategy in addition to the training settings, or `None`.
    """

    name: str | None = None
    trains: str | None = None
    settings: type[Settings] | None = None

    def supernet_arguments(self, config: Settings) -> dict[str, Any]:
        """Returns further arguments of the supernet, a dict.

        Examples are a relaxation and the class of the mixed operations.

        Args:
            config: The settings of the search.
        """
        return {}

    def search_arguments(self, config: Settings) -> dict[str, Any]:
        """Returns further arguments of `tfdarts.DARTS`, a dict.

        Examples are a regularizer of alpha and a derivation rule.

        Args:
            config: The settings of the search.
        """
        return {}

    def run(self, search: Any) -> None:
        """Runs the search to its end; resumes an interrupted search.

        Args:
            search: `tfdarts.runs.supernet_search.SupernetSearch` or
                `tfdarts.runs.candidate_search.CandidateSearch`, according to
                `trains`.
        """
        raise NotImplementedError


class SupernetStrategy(Strategy):
    """A strategy that trains a supernet by gradient descent.

    A subclass has a name and the differences from DARTS: settings, and
    arguments of the supernet and of the search.
    """

    trains = "supernet"

    def run(self, search: Any) -> None:
        search.fit()


class DARTSStrategy(SupernetStrategy):
    """Gradient descent on the weights and the alphas of a supernet.

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055)
    """

    name = "darts"
