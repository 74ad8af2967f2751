"""The interface of a search strategy."""

import types
import typing
from collections.abc import Mapping
from typing import Any

from tfdarts.genotypes import Genotype
from tfdarts.settings.fields import Settings

if typing.TYPE_CHECKING:  # It starts slowly; commands show help without it.
    import keras

STRATEGY = (
    "How the architecture is found: one of the strategies above. Each has "
    "flags of its own: give --help beside --strategy=random to see them."
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
        family: String, the heading of the strategy in `--help`. What a
            strategy is follows there from its docstring: the first line, and
            the first link.
        settings: Dataclass, a subclass of `tfdarts.Settings`: settings of the
            strategy in addition to the training settings, or `None`.
        parts: Dict from settings of the search to their defaults with this
            strategy: the parts that make the method. A task whose searches do
            not have all these settings is refused.
        published: Dict from settings to the values that were published: the
            defaults of a search of such cells as `published_for` has, or the
            values of `--preset=paper` of settings that depend on the preset.
        published_for: String, the search space of the publication, such as
            `"darts"` or `"darts_rnn"`. Spaces whose primitives are of the
            same kind get the published values, too.
        fixed: Dict from settings to the only value that the strategy has a
            use for, such as `{"order": 1}`. A strategy that brings a
            relaxation of its own names it here, `{"relaxation": "my_own"}`:
            `--relaxation` and its `--temperature` are then refused.
    """

    name: str | None = None
    trains: str | None = None
    family: str = "Others"
    settings: type[Settings] | None = None
    parts: Mapping[str, Any] = types.MappingProxyType({})
    published: Mapping[str, Any] = types.MappingProxyType({})
    published_for: str = "darts"
    fixed: Mapping[str, Any] = types.MappingProxyType({})

    def run(self, search: Any) -> None:
        """Runs the search to its end; resumes an interrupted search.

        Args:
            search: The search, with its settings, `config`. If `trains` is
                `"supernet"`, `search.fit()` trains the supernet. If it is
                `"candidates"`, `search.evaluate(genotype)` returns the
                `tfdarts.Evaluation` of a genotype of `search.space` and
                appends it to `search.trials`.
        """
        raise NotImplementedError

    def choose_parent(
        self, search: Any, genotype: Genotype, number: int
    ) -> int | None:
        """Returns whose weights the network of a candidate inherits.

        Args:
            search: See `run`. `search.trained_before(number)` returns the
                genotypes of candidates whose networks are trained, a dict by
                their numbers.
            genotype: `Genotype` of the candidate.
            number: Integer, the number of the candidate, from 1.

        Returns:
            Integer, the number of a trained candidate, or `None` for new
            weights.
        """
        return None


class SupernetStrategy(Strategy):
    """A strategy that trains a supernet by gradient descent.

    A subclass has a name and overrides what differs from DARTS.

    Attributes:
        moves_alphas: Boolean, whether the alphas learn. If not, a search does
            not warn of alphas that hardly move.
        takes_limits: Boolean, whether the loss of alpha may have a term that
            limits the cost of the network.
    """

    trains = "supernet"
    family = "Gradient descent on a supernet"
    moves_alphas: bool = True
    takes_limits: bool = True

    def supernet_arguments(self, config: Settings) -> dict[str, Any]:
        """Returns further arguments of the supernet, a dict.

        Examples are a relaxation and the class of the mixed operations.

        Args:
            config: The settings of the search.
        """
        return {}

    def search_arguments(self, config: Settings) -> dict[str, Any]:
        """Returns further arguments of the search, a dict.

        They replace the arguments that follow from the settings. Examples are
        `order`, a regularizer of alpha and a derivation rule.

        Args:
            config: The settings of the search.
        """
        return {}

    def build_search(
        self, supernet: "keras.Model", **arguments
    ) -> "keras.Model":
        """Returns the search of a supernet, not compiled.

        A subclass may return an instance of its own subclass of
        `tfdarts.DARTS`.

        Args:
            supernet: The supernet.
            **arguments: Arguments of `tfdarts.DARTS`.
        """
        from tfdarts.strategies.darts import DARTS

        return DARTS(supernet, **arguments)

    def optimizers(
        self,
        config: Settings,
        weight_optimizer: "keras.Optimizer",
        alpha_optimizer: "keras.Optimizer",
    ) -> tuple["keras.Optimizer", "keras.Optimizer"]:
        """Returns the optimizers of weights and alphas.

        Args:
            config: The settings of the search.
            weight_optimizer: The optimizer of DARTS for the weights.
            alpha_optimizer: The optimizer of DARTS for the alphas.
        """
        return weight_optimizer, alpha_optimizer

    def stages(self, config: Settings, stages: list) -> list:
        """Returns the stages of the search after its first.

        Args:
            config: The settings of the search, those of its first stage.
            stages: List of `tfdarts.SearchStage`s that the settings ask for.
        """
        return stages

    def callbacks(
        self, config: Settings, search: "keras.Model"
    ) -> list["keras.callbacks.Callback"]:
        """Returns further callbacks of `search.fit`.

        A resumed search must be equal to one without interruption. So a
        callback either computes its effect from the number of the epoch, or
        keeps its state in variables of the search. Each stage of a search
        begins with epoch 0.

        Args:
            config: The settings of the search.
            search: The result of `build_search`, compiled.
        """
        return []

    def run(self, search: Any) -> None:
        search.fit()


class DARTSStrategy(SupernetStrategy):
    """Gradient descent on the weights and the alphas of a supernet.

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055)
    """

    name = "darts"
