"""The candidates of a search, in memory."""

import contextlib
import logging
import time

from tfdarts.evaluators.evaluation import Evaluation
from tfdarts.evaluators.evaluation import require_evaluation
from tfdarts.genotypes import Genotype
from tfdarts.strategies.objectives import counted_costs
from tfdarts.training.divergence import DivergedError
from tfdarts.training.memory import is_out_of_memory

logger = logging.getLogger("tfdarts")


class TrialSearch:
    """A search whose strategy evaluates candidates, one after the other.

    This class keeps the candidates in memory, so that strategies can be
    compared on a table. `tfdarts.search` records them in a run directory.

    Args:
        config: The settings of the search.
        evaluator: `tfdarts.Evaluator`.

    Attributes:
        config: The settings of the search.
        space: The search space.
        trials: List of `Evaluation`, one per candidate, in order.
        directory: Path for files of the strategy, or `None`.
        agreement: Dict of values that must be equal on all workers.

    Example:

    >>> import tfdarts
    >>> from tfdarts.runs.evaluator_registry import get_evaluator
    >>> from tfdarts.strategies.strategy_registry import get_strategy
    >>> config = tfdarts.search_config("random", evaluator="nas_bench_201")
    >>> evaluator = get_evaluator(config.evaluator)(None, config)
    >>> search = TrialSearch(config, evaluator)
    >>> get_strategy("random").run(search)
    >>> len(search.trials), search.genotype in search.space
    (8, True)
    """

    directory = None
    agreement = {}

    def __init__(self, config, evaluator):
        self.config = config
        self.space = config.search_space
        self.evaluator = evaluator
        self.trials = []

    def evaluate(self, genotype):
        """Returns the `Evaluation` of a genotype, and keeps it.

        A genotype that was evaluated before is not evaluated again, and costs
        nothing. A genotype whose network diverges or does not fit into memory
        has failed: its evaluation is the worst.

        Args:
            genotype: `Genotype`.

        Raises:
            ValueError: If it is no genotype for the search, if the search has
                all its candidates, or the evaluator returns no `Evaluation`.
        """
        self._require_candidate(genotype)
        evaluation = self.known(genotype)
        if evaluation is None:
            evaluation = self.measure(genotype, len(self.trials) + 1)
        return self.keep(evaluation)

    def allows(self, genotype):
        """Returns whether a genotype may be a candidate.

        Args:
            genotype: `Genotype`.
        """
        return True

    def costs(self, evaluation, names):
        """Returns what the network of a candidate costs, a dict by name.

        Args:
            evaluation: `Evaluation`.
            names: Names of costs; see `tfdarts.strategies.objectives.COSTS`.

        Raises:
            ValueError: If the evaluator does not count one of them.
        """
        counted = counted_costs(evaluation, names)
        if missing := [name for name in names if name not in counted]:
            raise ValueError(
                f"The evaluator {self.config.evaluator} does not count "
                f"{', '.join(missing)}: leave them out of --objective."
            )
        return counted

    def known(self, genotype):
        """Returns what is known of an earlier candidate, or `None`."""
        for trial in self.trials:
            if trial.genotype == genotype:
                return trial._replace(seconds=0.0)
        return None

    def reserve(self, number):
        """Returns the context in which one worker alone measures a candidate.

        Args:
            number: Integer, the number of the candidate, from 1.
        """
        return contextlib.nullcontext()

    def measure(self, genotype, number):
        """Returns the `Evaluation` of a genotype, without keeping it.

        Args:
            genotype: `Genotype`.
            number: Integer, the number of the candidate, from 1.
        """
        self.evaluator.prepare()
        begun = time.monotonic()
        try:
            returned = self._evaluate_new(genotype, number)
        except Exception as error:
            diverged = isinstance(error, DivergedError)
            if not diverged and not is_out_of_memory(error):
                raise
            reason = error if diverged else f"Out of memory: {error}"
            logger.warning("search: candidate %d: %s", number, reason)
            returned = Evaluation.of_diverged(genotype)
        name = self.config.evaluator
        evaluation = require_evaluation(returned, genotype, name)
        if evaluation.seconds is None:
            seconds = time.monotonic() - begun
            evaluation = evaluation._replace(seconds=seconds)
        if number == 1:
            seconds = evaluation.seconds + self.evaluator.seconds_before
            evaluation = evaluation._replace(seconds=seconds)
        return evaluation

    def _evaluate_new(self, genotype, number):
        return self.evaluator(genotype, None)

    def keep(self, evaluation):
        """Appends an evaluation to the trials, and returns it."""
        self.trials.append(evaluation)
        return evaluation

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
        structure = self.space.structure
        if genotype.space != structure.name:
            raise ValueError(
                f"The strategy {strategy} must evaluate a genotype of "
                f"{structure.description}. Received: {genotype!r}."
            )

    @property
    def seconds(self):
        """The cost of all candidates so far, in seconds."""
        return sum(trial.seconds for trial in self.trials)

    @property
    def seconds_spent(self):
        """The seconds that `--max_minutes` limits."""
        return self.seconds

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
        """The genotype of the best candidate."""
        if not self.trials:
            raise ValueError(
                f"The strategy {self.config.strategy} has evaluated no "
                f"candidate."
            )
        best = self.trials[self.best_position]
        if best.has_diverged:
            raise DivergedError(
                "All candidates have diverged or did not fit into memory; the "
                "log says which. Lower --learning_rate or --batch_size, and "
                "use a new --run_dir"
            )
        return best.genotype
