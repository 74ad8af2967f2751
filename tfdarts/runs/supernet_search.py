"""A search that trains a supernet."""

import logging

import keras

from tfdarts.records.progress import DataWait
from tfdarts.records.progress import MetricsFile
from tfdarts.records.progress import tensorboard_callbacks
from tfdarts.records.search_record import SearchRecord
from tfdarts.runs.alpha_movement import unmoved_warning
from tfdarts.runs.alpha_movement import warn_of_short_path
from tfdarts.runs.early_stop import Curvature
from tfdarts.runs.early_stop import EarlyStop
from tfdarts.runs.fitting import agree_on_start
from tfdarts.runs.fitting import fit
from tfdarts.runs.limited_search import LimitedSearch
from tfdarts.runs.stages_of_search import StagesOfSearch
from tfdarts.runs.time_budget import time_limit_of
from tfdarts.strategies.early_stop_rules import MOST_SKIPS
from tfdarts.strategies.early_stop_rules import OF_CURVATURE
from tfdarts.structures import title_of
from tfdarts.training.checkpoints import EpochCheckpoint
from tfdarts.training.schedules import LearningRate

logger = logging.getLogger("tfdarts")


class SupernetSearch:
    """The state of a search whose strategy trains a supernet.

    Args:
        task: `Task`.
        config: The settings of the search.

    Attributes:
        config: The settings, with those that depend on the data filled in.
        work: The result of `task.search`: data, supernet and `DARTS`.
        stage: `Stage` of the run directory; set before the strategy runs.
        time_limit: `TimeLimit` of the search; set before the strategy runs.
    """

    def __init__(self, task, config):
        self.task = task
        self.work = task.search(config)
        self.config = self.work.config
        self.source = self.work.source
        self.distribution = self.work.distribution
        self.derived = self.work.derived
        self.stage = None
        self.time_limit = None
        self.record = None
        self.best_epoch = None
        self.limited = None

    def begin(self, stage):
        """Sets the stage, the time limit and the limits of the network."""
        self.stage = stage
        if getattr(self.config, "network_limits", None):
            self.limited = LimitedSearch(self.task, self.work, stage)
        self.time_limit = time_limit_of(stage, self.config, self.distribution)

    def fit(self, callbacks=()):
        """Searches to the end, resuming after the last whole epoch.

        Args:
            callbacks: Sequence of further Keras callbacks; see
                `tfdarts.SupernetStrategy.callbacks`.
        """
        warn_of_short_path(self.config, self.work.steps_per_epoch)
        stages = StagesOfSearch(self.config, self.stage.path)
        for number in range(stages.first, len(stages)):
            if number > stages.first and self.time_limit.is_up:
                self.time_limit.end()
            if self.time_limit.has_ended:
                break
            self._fit_stage(stages, number, callbacks)
        self.early_stop.report()
        self.best_epoch = self.early_stop.best_epoch()
        if self.best_epoch is None and self.time_limit.has_ended:
            self.best_epoch = len(self.record.genotypes)

    def roll_back(self, epoch, change):
        """Goes back to an earlier epoch, after which `fit` continues.

        Args:
            epoch: Integer.
            change: Function without arguments that changes the search.
        """
        path = self.stage.path / "checkpoints"
        checkpoint_of(self.work.darts, path).roll_back(epoch, change)
        self.record = None

    def _fit_stage(self, stages, number, callbacks):
        """Searches one stage to its end."""
        work, stage = self.work, self.stage
        before = work.darts
        earlier = stages.ends[number - 1] if number else 0
        is_last = number == len(stages) - 1
        if number:
            work.begin_stage(stages.config(number))
            logger.info("search: stage %d of %d", number + 1, len(stages))
        config, darts = work.config, work.darts
        supernet = darts.supernet
        logger.info(
            "search: %s; %s weights, %d alphas",
            work.describe(),
            f"{_size(supernet.network_weights):,}",
            _size(supernet.alpha_variables),
        )
        of_stage = stages.callbacks(number, work)
        checkpoint = checkpoint_of(darts, stage.path / "checkpoints")
        done = earlier
        if stages.has_begun(number):
            done = checkpoint.restore()
        elif stages[number].carry:
            stages[number].carry(before, darts)
        resumed = done if number == stages.first else 0
        weights = {"the weights": supernet.variables}
        agree_on_start(work, stage, resumed, **weights)
        if self.record is None:
            self._open_records(done, stages)
        self.record.continue_with(darts)
        darts.genotype()  # An unusable `derive` is refused before the work.
        if done == stages.ends[number] or self.early_stop.is_over:
            return
        callbacks = [
            *work.callbacks,
            LearningRate(),
            DataWait(),
            *(curvature_callbacks(work) if is_last else []),
            *of_stage,
            *callbacks,
        ]
        records = [
            self.record,
            self.metrics,
            self.early_stop,
            *tensorboard_callbacks(config, stage, self.metrics),
        ]
        fit(
            *(darts, work, stage, done - earlier, callbacks, records),
            *(checkpoint, self.time_limit, earlier, stages.ends[-1]),
        )

    def _open_records(self, done, stages):
        """Opens the files of the epochs; drops those of later epochs."""
        path = self.stage.path
        self.record = SearchRecord(path, self.work.darts, done)
        self.metrics = MetricsFile(path / "metrics.csv", done, stage="search")
        # Stages follow from one another, so a rule ends only the last one.
        last = stages.configs[-1]
        self.early_stop = EarlyStop(
            last, self.record, self.metrics, stages.ends[-1] - last.epochs
        )

    @property
    def genotype(self):
        """The genotype that was found."""
        if self.record is None:
            raise ValueError(
                f"The strategy {self.config.strategy} has not searched: its "
                "`run` must call `search.fit()`."
            )
        return self.record.genotypes[self.best_epoch - 1]

    @property
    def progress(self):
        """The progress of the search, for `status.json`."""
        return {
            "epochs": len(self.record.genotypes),
            "best_epoch": self.best_epoch,
        }

    def check_result(self):
        """Makes the result hold the limits of the network, counted anew."""
        if self.limited is None:
            return
        position = self.best_epoch - 1
        self.record.genotypes[position] = self.limited.result(
            self.genotype, self.record.probabilities_of(self.best_epoch)
        )
        self.limited.bounds.check(self.genotype)

    @property
    def is_out_of_time(self):
        """Whether `--max_minutes` has ended the search."""
        return self.time_limit.has_ended

    @property
    def done(self):
        """What the result is, in words."""
        return f"the result is the genotype of epoch {self.best_epoch}"

    def warning(self):
        """Returns a sentence on why to doubt the result, or `None`."""
        _warn_of_skips(self.genotype)
        probabilities = self.record.probabilities_of(self.best_epoch)
        return unmoved_warning(probabilities)


def checkpoint_of(darts, directory):
    """Returns the callback that saves all variables of a search."""
    return EpochCheckpoint(
        directory,
        darts.checkpoints_kept,
        supernet=darts.supernet.variables,
        weight_optimizer=darts.optimizer.variables,
        alpha_optimizer=darts.alpha_optimizer.variables,
        # Without variables of its own, as in version 0.1.0.
        **({"search": own} if (own := darts.own_variables) else {}),
    )


def curvature_callbacks(work):
    """Returns the callbacks that measure the curvature in alpha, if any.

    Args:
        work: The result of `tfdarts.Task.search`.
    """
    config = work.config
    if config.early_stop not in OF_CURVATURE:
        return []
    return [Curvature(work.curvature_batch(), config.alpha_warmup_epochs)]


def _warn_of_skips(genotype):
    skips = genotype.num_skip_connections
    cell_type, first = next(iter(genotype.cells.items()))
    if skips > MOST_SKIPS:
        logger.warning(
            "search: %d of the %d edges of the %s are skip "
            "connections. Networks of such cells are usually poor: the "
            "search may have collapsed. Fewer --epochs or --early_stop may "
            "find a better cell.",
            skips,
            len(first.edges),
            title_of(cell_type),
        )


def _size(variables):
    return sum(int(keras.ops.size(variable)) for variable in variables)
