"""A search that trains candidates, one network after another."""

import dataclasses
import logging
import time

from tfdarts.duration import format_duration
from tfdarts.evaluators.evaluation import OutOfTime
from tfdarts.files import write_atomically
from tfdarts.genotypes import Genotype
from tfdarts.records.lock import hold_lock
from tfdarts.records.pareto_front import write_front
from tfdarts.records.run_directory import Stage
from tfdarts.records.trials import read_trials
from tfdarts.records.trials import write_trials
from tfdarts.runs.describe_data import to_recorded_config
from tfdarts.runs.evaluator_registry import get_evaluator
from tfdarts.runs.network_bounds import NetworkBounds
from tfdarts.runs.prescores import Prescores
from tfdarts.runs.time_budget import time_limit_of
from tfdarts.runs.worker_processes import WorkerProcesses
from tfdarts.runs.workers import versions
from tfdarts.settings.effect import flag_lines
from tfdarts.settings.fields import flag_fields
from tfdarts.strategies.objectives import counted_costs
from tfdarts.strategies.strategy_registry import get_strategy
from tfdarts.strategies.trial_budget import is_time_up
from tfdarts.strategies.trial_search import TrialSearch
from tfdarts.tasks.run_data import find_data

logger = logging.getLogger("tfdarts")

SECONDS_TO_LET_GO = 120
"""Seconds that a worker gets to end after it has lost its candidate."""


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
        self._unfinished = None
        config = task.apply_selection_preset(config)
        evaluator = get_evaluator(config.evaluator)(task, config)
        super().__init__(config, evaluator)
        self.source = find_data(config)
        self.distribution = task.training.distribution_of(config)
        self.bounds = NetworkBounds(task, config, self.source)
        self.prescores = Prescores(self.bounds)
        self.stage = self.time_limit = None

    def begin(self, stage):
        """Sets the stage and the time limit; reads the trials so far."""
        self.stage = stage
        self.bounds.costs.use(stage.path / "network_costs.json")
        self.prescores.scores.use(stage.path / "prescores.json")
        self.time_limit = time_limit_of(stage, self.config, self.distribution)
        self.trials = read_trials(stage.path)
        self.begun, self.done_before = time.monotonic(), len(self.trials)
        if self.trials:
            logger.info("search: resuming after candidate %d", len(self.trials))

    def allows(self, genotype):
        return self.bounds.allow(genotype)

    def costs(self, evaluation, names):
        found = counted_costs(evaluation, names)
        others = [name for name in names if name not in found]
        if others:
            kept = self.bounds.costs.of(evaluation.genotype)
            found |= {name: kept[name] for name in others}
        return found

    def prescore(self, genotype):
        """Returns the score of `--prefilter` of a genotype."""
        return self.prescores.scores.of(genotype)

    def nothing_allowed(self, count):
        """Returns why no genotype is allowed; see `NetworkBounds`."""
        return self.bounds.nothing_found(count)

    def check_result(self):
        """Counts anew what the network of the result costs.

        The genotypes of the Pareto front are kept, if there is one.
        """
        self.bounds.check(self.genotype)
        if names := getattr(self.config, "cost_objectives", ()):
            costs = [
                None if each.has_diverged else self.costs(each, names)
                for each in self.trials
            ]
            write_front(self.stage.path, self.trials, costs)

    @property
    def directory(self):
        """The path of the search in the run directory."""
        return Stage(self.config.run_dir, "search").path

    @property
    def agreement(self):
        """The values that must be equal on all workers, a dict."""
        config = to_recorded_config(self.config, self.source)
        settings = {
            f"--{field.name}": getattr(config, field.name)
            for field in flag_fields(config)
            if field.name not in ("run_dir", "dataset", "preset")
        }
        return {**settings, "the data": self.source.fingerprint, **versions()}

    def reserve(self, number):
        path = self.directory / "workers" / f"{number:04d}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        # A worker that has lost its chief may need a while to end.
        return hold_lock(path, "--run_dir", SECONDS_TO_LET_GO)

    def worker_command(self, address):
        """Returns the command of a worker, a list of words.

        Args:
            address: String, the address of the chief.

        Raises:
            ValueError: If other processes cannot read the data.
        """
        if not isinstance(self.config.dataset, str):
            raise ValueError(
                "Workers are other processes, which cannot read data in "
                "memory: give `dataset` as a string, such as "
                '"folder:<directory>", or leave num_workers and listen out.'
            )
        run_dir = Stage(self.config.run_dir, "search").run_dir.absolute()
        path = run_dir / "search" / "workers" / "flags.cfg"
        path.parent.mkdir(exist_ok=True)
        own = ("num_workers", "listen", "chief", "run_dir")
        lines = [*flag_lines(self.config, own), f"--run_dir={run_dir}"]
        write_atomically(path, "\n".join(lines) + "\n")
        return ["tfdarts-search", f"--flagfile={path}", f"--chief={address}"]

    def start_workers(self, address, count):
        """Returns the context of worker processes on this machine.

        Args:
            address: String, the address of the chief.
            count: Integer, the number of processes.
        """
        _, *flags = self.worker_command(address) if count else [None]
        return WorkerProcesses(flags, count, self.directory / "workers")

    def _evaluate_new(self, genotype, number):
        logger.info(
            "search: candidate %d of %d", number, self.config.num_candidates
        )
        directory = self._directory_of(number)
        if self.time_limit is not None:  # A worker has none.
            self.evaluator.seconds_left = self.time_limit.left
        try:
            return self._evaluate_in(directory, genotype, number)
        except OutOfTime:
            self._unfinished = genotype
            raise

    def _evaluate_in(self, directory, genotype, number):
        """Returns the `Evaluation` of a genotype, with inherited weights."""
        if not self.evaluator.inherits_weights:
            return self.evaluator(genotype, directory)
        strategy = get_strategy(self.config.strategy)
        parent = strategy.choose_parent(self, genotype, number)
        if parent is None:
            return self.evaluator(genotype, directory)
        logger.info("search: inherits weights from candidate %d", parent)
        return self.evaluator(genotype, directory, self._directory_of(parent))

    def trained_before(self, number):
        """Returns the genotypes of candidates whose networks are trained.

        Args:
            number: Integer, a number that all these candidates are below.

        Returns:
            Dict from numbers of candidates to genotypes.
        """
        stages = {
            earlier: Stage(self._directory_of(earlier), "train")
            for earlier in range(1, number)
        }
        return {
            earlier: Genotype.from_dict(stage.settings()["genotype"])
            for earlier, stage in stages.items()
            if stage.finished
        }

    def _directory_of(self, number):
        """Returns the path of the evaluation of a candidate."""
        return self.directory / "candidates" / f"{number:04d}"

    @property
    def genotype(self):
        """The genotype of the best candidate, without a name."""
        found = self._unfinished
        if found is None or self.trials:
            found = super().genotype
        return dataclasses.replace(found, name=None)

    @property
    def progress(self):
        """The progress of the search, for `status.json`."""
        if not self.trials:
            return {"epoch": 0, "best_candidate": 1}
        return {
            "epoch": len(self.trials),
            "best_candidate": self.best_position + 1,
        }

    @property
    def seconds_spent(self):
        """See `TrialSearch`; trainings count by the clock if it is later."""
        if self.stage is None or not self.evaluator.trains_networks:
            return super().seconds_spent
        return max(super().seconds_spent, self.stage.seconds)

    @property
    def is_out_of_time(self):
        """Whether `--max_minutes` has ended the search."""
        return self._unfinished is not None or (
            len(self.trials) < self.config.num_candidates and is_time_up(self)
        )

    @property
    def done(self):
        """What the result is, in words."""
        return (
            f"{len(self.trials)} of {self.config.num_candidates} candidates "
            "are done, and the result is the best of them"
        )

    def warning(self):
        """Returns a sentence on why to doubt the result, or `None`."""
        if not self.trials:
            return (
                "The time was up before the first candidate was trained, so "
                "the result is its genotype, and nothing is known of it."
            )
        if len(self.trials) > 1:
            return None
        return "Only one candidate was evaluated, so there was no choice."

    def keep(self, evaluation):
        super().keep(evaluation)
        write_trials(self.directory, self.trials)
        done, total = len(self.trials), self.config.num_candidates
        seconds = time.monotonic() - self.begun
        left = seconds / (done - self.done_before) * (total - done)
        self.stage.report(
            "running",
            **self.progress,
            epochs=total,
            seconds=self.seconds_spent,
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
