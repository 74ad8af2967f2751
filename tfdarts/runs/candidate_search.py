"""A search that trains candidates, one network after another."""

import dataclasses
import functools
import logging
import time

from tfdarts.duration import format_duration
from tfdarts.evaluators.evaluation import Evaluation
from tfdarts.evaluators.evaluation import require_evaluation
from tfdarts.genotypes import Genotype
from tfdarts.records.trials import read_trials
from tfdarts.records.trials import write_trials
from tfdarts.runs.evaluator_registry import get_evaluator
from tfdarts.tasks.run_data import find_data
from tfdarts.training.divergence import DivergedError

logger = logging.getLogger("tfdarts")


class CandidateSearch:
    """The state of a search whose strategy trains candidates.

    Args:
        task: `Task`.
        config: The settings of the search.

    Attributes:
        config: The settings, with those that depend on the data filled in.
        space: The search space.
        trials: List of `Evaluation`, one per candidate, in order.
        stage: `Stage` of the run directory; set before the strategy runs.
    """

    derived = {}

    def __init__(self, task, config):
        self.task = task
        self.config = task.apply_selection_preset(config)
        self.source = find_data(config)
        self.distribution = task.training.distribution_of(config)
        self.space = config.search_space
        self.trials = []
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

    @functools.cached_property
    def evaluator(self):
        """The evaluator of the search."""
        return get_evaluator(self.config.evaluator)(self.task, self.config)

    def evaluate(self, genotype):
        """Returns the `Evaluation` of a genotype, and records it.

        A genotype that was evaluated before is not evaluated again.

        Args:
            genotype: `Genotype`.

        Raises:
            ValueError: If it is no genotype for the task, if the search has
                all its candidates, or the evaluator returns no `Evaluation`.
        """
        self._require_candidate(genotype)
        for trial in self.trials:
            if trial.genotype == genotype:
                return self._keep(trial._replace(seconds=0.0))
        number = len(self.trials) + 1
        logger.info(
            "search: candidate %d of %d", number, self.config.num_candidates
        )
        directory = self.stage.path / "candidates" / f"{number:04d}"
        begun = time.monotonic()
        try:
            returned = self.evaluator(genotype, directory)
        except DivergedError as error:
            logger.warning("search: candidate %d: %s", number, error)
            returned = Evaluation.of_diverged(genotype)
        name = self.config.evaluator
        evaluation = require_evaluation(returned, genotype, name)
        if evaluation.seconds is None:
            seconds = time.monotonic() - begun
            evaluation = evaluation._replace(seconds=seconds)
        return self._keep(evaluation)

    def _require_candidate(self, genotype):
        """Raises `ValueError` if a genotype cannot be the next candidate."""
        strategy, most = self.config.strategy, self.config.num_candidates
        if len(self.trials) >= most:
            raise ValueError(
                f"The strategy {strategy} evaluates more candidates than "
                f"--num_candidates={most}: its `run` must end when "
                "`len(search.trials)` reaches `search.config.num_candidates`."
            )
        if not isinstance(genotype, Genotype):
            raise ValueError(
                f"The strategy {strategy} must evaluate a tfdarts.Genotype. "
                f"Received: {genotype!r}."
            )
        if genotype.space != self.space.structure.name:
            raise ValueError(
                f"The strategy {strategy} must evaluate a genotype of "
                f"{self.space.structure.description} for "
                f"{self.task.name}. Received: {genotype!r}."
            )

    @property
    def best_position(self):
        """The position of the best trial; on ties, the first."""
        return min(range(len(self.trials)), key=lambda i: self.trials[i].rank)

    @property
    def trials_since_best(self):
        """The number of candidates since the best one."""
        if not self.trials:
            return 0
        return len(self.trials) - 1 - self.best_position

    @property
    def genotype(self):
        """The genotype of the best candidate, without a name."""
        if not self.trials:
            raise ValueError(
                f"The strategy {self.config.strategy} has evaluated no "
                f"candidate."
            )
        if self.trials[self.best_position].has_diverged:
            raise DivergedError(
                "All candidates have diverged. Lower --learning_rate, and use "
                "a new --run_dir"
            )
        best = self.trials[self.best_position].genotype
        return dataclasses.replace(best, name=None)

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
        self.trials.append(evaluation)
        write_trials(self.stage.path, self.trials)
        done, total = len(self.trials), self.config.num_candidates
        seconds = time.monotonic() - self.begun
        left = seconds / (done - self.done_before) * (total - done)
        self.stage.report(
            "running",
            **self.progress,
            epochs=total,
            seconds=sum(trial.seconds for trial in self.trials),
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
