"""A search that trains candidates, one network after another."""

import dataclasses
import logging
import time

from tfdarts.duration import format_duration
from tfdarts.records.trials import read_trials
from tfdarts.records.trials import write_trials
from tfdarts.runs.evaluator_registry import get_evaluator
from tfdarts.strategies.trial_search import TrialSearch
from tfdarts.tasks.run_data import find_data

logger = logging.getLogger("tfdarts")


class CandidateSearch(TrialSearch):
    """A search that records its candidates in a run directory.

    Args:
        task: `Task`.
        config: The settings of the search.

    Attributes:
        config: The settings, with those that depend on the data filled in.
        stage: `Stage` of the run directory; set before the strategy runs.
    """

    derived = {}

    def __init__(self, task, config):
        self.task = task
        config = task.apply_selection_preset(config)
        evaluator = get_evaluator(config.evaluator)(task, config)
        super().__init__(config, evaluator)
        self.source = find_data(config)
        self.distribution = task.training.distribution_of(config)
        self._stage = None

    @property
    def stage(self):
        return self._stage

    @stage.setter
    def stage(self, stage):
        self._stage = stage
        self.trials = read_trials(stage.path)
        self.begun, self.done_before = time.monotonic(), len(self.trials)
        if self.trials:
            logger.info("search: resuming after candidate %d", len(self.trials))

    @property
    def directory(self):
        """The path of the search in the run directory."""
        return self.stage.path

    def _evaluate_new(self, genotype, number):
        logger.info(
            "search: candidate %d of %d", number, self.config.num_candidates
        )
        directory = self.directory / "candidates" / f"{number:04d}"
        return self.evaluator(genotype, directory)

    @property
    def genotype(self):
        """The genotype of the best candidate, without a name."""
        return dataclasses.replace(super().genotype, name=None)

    @property
    def progress(self):
        """The progress of the search, for `status.json`."""
        return {
            "epoch": len(self.trials),
            "best_candidate": self.best_position + 1,
        }

    def warning(self):
        """Returns a sentence on why to doubt the result, or `None`."""
        if len(self.trials) > 1:
            return None
        return "Only one candidate was evaluated, so there was no choice."

    def _keep(self, evaluation):
        super()._keep(evaluation)
        write_trials(self.directory, self.trials)
        done, total = len(self.trials), self.config.num_candidates
        seconds = time.monotonic() - self.begun
        left = seconds / (done - self.done_before) * (total - done)
        self.stage.report(
            "running",
            **self.progress,
            epochs=total,
            seconds=self.seconds,
        )
        best = self.trials[self.best_position]
        logger.info(
            "search: candidate %d of %d: %s, best %s, %s left",
            *(done, total),
            self._show(evaluation.score),
            self._show(best.score),
            format_duration(left),
        )
        return evaluation

    def _show(self, score):
        """Returns a score as text."""
        if self.evaluator.score_name is None:
            return self.task.show_figure(score)
        return f"{score:.4g}"
