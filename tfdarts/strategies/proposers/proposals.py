"""The trials of an oracle as the candidates of a search."""

import math

from tfdarts.strategies.proposers.ask_tell import ask
from tfdarts.strategies.proposers.ask_tell import tell
from tfdarts.strategies.strategy_registry import get_strategy


def encoding_of(search):
    """Returns the genotypes of a search as choices of its strategy's oracle.

    Args:
        search: `TrialSearch`.
    """
    return get_strategy(search.config.strategy).build_encoding(search.config)


class Proposals:
    """The trials of an oracle, and the candidates that a search records.

    A candidate is first recorded, and then told to the oracle. After a kill
    between the two, `catch_up` tells it.

    Args:
        oracle: `keras_tuner.Oracle`, whose trials are genotypes of the space.
        search: `TrialSearch`.
    """

    def __init__(self, oracle, search):
        self.oracle = oracle
        self.search = search
        self.encoding = encoding_of(search)

    def genotype(self, trial):
        """Returns the genotype of a trial."""
        return self.encoding.decode(trial.hyperparameters.values)

    def tell(self, trial, evaluation):
        """Tells the oracle the recorded evaluation of a trial."""
        loss, *_ = evaluation.rank
        if not math.isfinite(loss):
            tell(self.oracle, trial, None)
            return
        names = getattr(self.search.config, "cost_objectives", ())
        costs = self.search.costs(evaluation, names) if names else {}
        tell(self.oracle, trial, loss, costs)

    def catch_up(self):
        """Tells the oracle all recorded candidates that it does not know.

        Raises:
            ValueError: If the oracle would not propose these candidates.
        """
        told = len(self.oracle.end_order)
        for number, recorded in enumerate(self.search.trials[told:], told + 1):
            trial = self._proposed_again(recorded.genotype)
            if trial is None or self.genotype(trial) != recorded.genotype:
                raise ValueError(
                    f"The strategy {self.search.config.strategy} would not "
                    f"propose the recorded candidate {number} again, so the "
                    "search cannot resume: start over in another --run_dir."
                )
            self.tell(trial, recorded)

    def _proposed_again(self, genotype):
        """Returns the waiting trial of a genotype, or else the next trial."""
        waiting = self.oracle._retry_queue
        for trial_id in waiting:
            if self.genotype(self.oracle.trials[trial_id]) == genotype:
                # Keras-tuner takes the last one of its queue.
                waiting.remove(trial_id)
                waiting.append(trial_id)
                break
        return ask(self.oracle)
