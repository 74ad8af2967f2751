"""The strategy that evaluates the trials of an oracle of keras-tuner."""

import dataclasses
import importlib
import logging
import typing
from typing import Any

from tfdarts.settings.conditions import unmet_conditions
from tfdarts.settings.fields import Settings
from tfdarts.strategies.network_limits import NetworkLimits
from tfdarts.strategies.prefilter import PrefilterSettings
from tfdarts.strategies.proposers.worker_settings import WorkerSettings
from tfdarts.strategies.strategy import Strategy
from tfdarts.strategies.trial_budget import TrialBudget
from tfdarts.strategies.trial_budget import has_ended

if typing.TYPE_CHECKING:  # It imports TensorFlow.
    import keras_tuner

logger = logging.getLogger("tfdarts")


@dataclasses.dataclass(frozen=True)
class OracleSettings(
    WorkerSettings, PrefilterSettings, NetworkLimits, TrialBudget
):
    """The settings of a strategy that has an oracle.

    Attributes:
        of_few_candidates: Dict from settings to their values for a few hundred
            candidates, unless `--preset=paper`.
        learns_after: String, the setting with the number of candidates that
            are drawn before the strategy learns from results, or `None`.
        needs_equal_cells: Boolean, whether all cells of the search space must
            have the same nodes and primitives.
    """

    of_few_candidates: typing.ClassVar = {}
    learns_after: typing.ClassVar = None
    needs_equal_cells: typing.ClassVar = False

    def __post_init__(self):
        super().__post_init__()
        self._require_learning()
        if self.needs_equal_cells:
            self.search_space.require_equal_cells()
        if self.max_milliseconds and self.has_workers:
            raise ValueError(
                "--max_milliseconds measures each network while nothing else "
                "runs, and workers train at this time: leave --num_workers "
                "and --listen out, or bound --max_multiply_adds instead."
            )
        if "preset" not in self.__dataclass_fields__:
            for name, value in self.of_few_candidates.items():
                field = self.__dataclass_fields__[name]
                has_effect = not unmet_conditions(field, self)
                if getattr(self, name) is None and has_effect:
                    self._set(name, value)

    @property
    def has_workers(self):
        """Whether other processes evaluate the candidates."""
        return bool(self.num_workers or self.listen)

    def _require_learning(self):
        """Raises `ValueError` if a given setting leaves nothing to learn."""
        name = self.learns_after
        if name and self.is_given(name) and not self.learns:
            number = getattr(self, name)
            raise ValueError(
                f"--{name}={number} needs a larger --num_candidates than "
                f"{self.num_candidates}, because the first {number} candidates "
                "are proposed without any result: raise --num_candidates, or "
                f"lower --{name}."
            )

    @property
    def learns(self):
        """Whether a candidate is proposed after the strategy has learnt."""
        name = self.learns_after
        if name is None:
            return True
        if unmet_conditions(self.__dataclass_fields__[name], self):
            return True
        return (getattr(self, name) or 0) < self.num_candidates

    def auto_settings(self, *data):
        """See `tfdarts.tasks.shared_settings.ImageConfig`."""
        return {**super().auto_settings(*data), **self.of_few_candidates}

    def is_given(self, name):
        """Returns whether a setting has a value that no preset chooses."""
        field = self.__dataclass_fields__[name]
        chosen = field.metadata.get("paper"), self.of_few_candidates.get(name)
        return getattr(self, name) not in (None, field.default, *chosen)


class OracleStrategy(Strategy):
    """A strategy that asks an oracle of keras-tuner for genotypes.

    The oracle sees a genotype as choices, and its result as a number to
    minimize: the first number of the rank of its evaluation. A subclass
    implements `build_oracle`, or sets `oracle` and `settings`.

    An interrupted search resumes with the oracle's files in `search/oracle`,
    if it is a `ResumableOracle`. To any other oracle, all trials so far are
    told again: it must then propose the same ones, and it has no workers.

    Attributes:
        oracle: String, `"module:class"` of the oracle. The settings that
            `settings` adds to `OracleSettings` are its arguments.
        takes_space: Boolean, whether the oracle takes the search space
            instead of hyperparameters.
    """

    trains = "candidates"
    settings = OracleSettings
    oracle: str | None = None
    takes_space: bool = False

    def build_encoding(self, config: Settings) -> Any:
        """Returns the genotypes of a search as choices.

        Args:
            config: The settings of the search.

        Returns:
            Object with `hyperparameters()`, the choices that the oracle makes,
            and `decode(values)`, the genotype of their values.
        """
        from tfdarts.strategies.proposers.space_encoding import SpaceEncoding

        return SpaceEncoding(config.search_space)

    def build_oracle(
        self, config: Settings, hyperparameters: "keras_tuner.HyperParameters"
    ) -> "keras_tuner.Oracle":
        """Returns the oracle of a search.

        Args:
            config: The settings of the search.
            hyperparameters: `keras_tuner.HyperParameters`, the choices that
                make a genotype.
        """
        module, _, name = self.oracle.partition(":")
        own = {*self.settings.__dataclass_fields__}
        own -= {*OracleSettings.__dataclass_fields__}
        choices = {"hyperparameters": hyperparameters}
        if self.takes_space:
            choices = {"space": config.search_space}
        return getattr(importlib.import_module(module), name)(
            **choices,
            seed=config.seed,
            # A search continues, however many candidates fail in a row.
            max_consecutive_failed_trials=None,
            **{name: getattr(config, name) for name in own},
        )

    def run(self, search: Any) -> None:
        from tfdarts.strategies.proposers.ask_tell import ask
        from tfdarts.strategies.proposers.proposals import Proposals
        from tfdarts.strategies.proposers.proposer import MOST_REJECTED

        warn_if_nothing_is_learnt(search.config)
        choices = self.build_encoding(search.config).hyperparameters()
        oracle = self.build_oracle(search.config, choices)
        proposals = Proposals(oracle, search)
        if search.config.network_limits:
            _require_allowed(oracle, proposals, search)
        if search.config.prefilter != "none":
            _use_prefilter(oracle, proposals, search)
        restore_oracle(oracle, search.directory)
        proposals.catch_up()
        if search.config.num_workers or search.config.listen:
            from tfdarts.strategies.proposers.chief import run_chief

            run_chief(proposals)
            return
        while not has_ended(search):
            trial = ask(oracle)
            if trial is None:
                if not search.trials and getattr(oracle, "gave_up", False):
                    raise ValueError(search.nothing_allowed(MOST_REJECTED))
                logger.info("search: ended, because the oracle has no more")
                return
            genotype = proposals.genotype(trial)
            proposals.tell(trial, search.evaluate(genotype))


def _require_allowed(oracle, proposals, search):
    """Lets an oracle propose only genotypes that a search allows.

    Raises:
        ValueError: If the oracle cannot reject its own proposals.
    """
    from tfdarts.strategies.proposers.proposer import Proposer

    if not isinstance(oracle, Proposer):
        raise ValueError(
            f"The strategy {search.config.strategy} would propose a genotype "
            "that was rejected again, so it takes no bounds of the network: "
            "give another --strategy, such as evolution, local_search or "
            "random."
        )
    oracle.accepts = lambda values: search.allows(
        proposals.encoding.decode(values)
    )


def _use_prefilter(oracle, proposals, search):
    """Lets an oracle propose the best of several by a score.

    Raises:
        ValueError: If the oracle does not draw its proposals at random.
    """
    from tfdarts.strategies.proposers.proposer import Proposer

    if not isinstance(oracle, Proposer) or not oracle.draws:
        raise ValueError(
            f"The strategy {search.config.strategy} proposes what it expects "
            "to be the best, so --prefilter has nothing to choose from: leave "
            "--prefilter out, or give another --strategy, such as random or "
            "evolution."
        )
    oracle.pool = search.config.prefilter_pool
    oracle.prescore = lambda values: search.prescore(
        proposals.encoding.decode(values)
    )


def warn_if_nothing_is_learnt(config):
    """Logs a warning if all candidates come before the first learning.

    Args:
        config: `OracleSettings`.
    """
    if not config.learns:
        name = config.learns_after
        logger.warning(
            "search: all %d candidates are proposed without any result, as "
            "--%s is %d: raise --num_candidates, or lower --%s",
            *(config.num_candidates, name, getattr(config, name), name),
        )


def restore_oracle(oracle, directory):
    """Gives an oracle its directory, and reads its state, if any."""
    from tfdarts.strategies.proposers.proposer import ResumableOracle

    if directory is None:
        return
    oracle._set_project_dir(directory, "oracle")
    saved = (directory / "oracle" / "oracle.json").exists()
    if saved and isinstance(oracle, ResumableOracle):
        oracle.reload()
