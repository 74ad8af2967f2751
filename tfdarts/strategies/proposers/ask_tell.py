"""Asking any oracle of keras-tuner for trials, and telling it the results."""

import math
import typing
from collections.abc import Mapping

if typing.TYPE_CHECKING:  # It imports TensorFlow.
    import keras_tuner
    from keras_tuner.engine import trial


def ask(
    oracle: "keras_tuner.Oracle", worker: str = "tuner0"
) -> "trial.Trial | None":
    """Returns the next trial of an oracle, or `None` if it has no more.

    A worker that has not told the result of its trial gets it again.

    Args:
        oracle: `keras_tuner.Oracle`.
        worker: String, who will do the trial. Defaults to the only worker.

    Returns:
        `keras_tuner.engine.trial.Trial`; its values are in
        `trial.hyperparameters.values`.

    Raises:
        ValueError: If the oracle waits for the results of other trials, or
            it is keras-tuner's own and has no directory.

    Example:

    >>> import keras_tuner
    >>> import tfdarts
    >>> hyperparameters = keras_tuner.HyperParameters()
    >>> for name in "abc":
    ...     _ = hyperparameters.Choice(name, [0, 1, 2])
    >>> oracle = tfdarts.EvolutionOracle(
    ...     hyperparameters=hyperparameters, population=5, tournament=2
    ... )
    >>> for _ in range(40):
    ...     trial = tfdarts.ask(oracle)
    ...     values = trial.hyperparameters.values
    ...     tfdarts.tell(oracle, trial, sum(values.values()))
    >>> float(oracle.get_best_trials()[0].score)
    0.0
    """
    from tfdarts.strategies.proposers.proposer import ResumableOracle

    in_memory = not hasattr(oracle, "_directory")
    if in_memory and not isinstance(oracle, ResumableOracle):
        raise ValueError(
            "An oracle of keras-tuner itself writes files: give it a directory "
            "first, by keras_tuner.engine.base_tuner.BaseTuner(oracle, "
            "directory=...)."
        )
    oracle.verbose = 0
    trial = oracle.create_trial(worker)
    if trial.status == "STOPPED":
        return None
    if trial.status == "IDLE":
        raise ValueError(
            "The oracle waits for the results of other trials: tell it these "
            "before you ask again."
        )
    return trial


def tell(
    oracle: "keras_tuner.Oracle",
    trial: "trial.Trial",
    value: float | None,
    costs: Mapping[str, float] | None = None,
) -> None:
    """Tells an oracle the result of a trial.

    Args:
        oracle: `keras_tuner.Oracle`.
        trial: The result of `ask`.
        value: Number, the objective of the oracle: the lower the better unless
            the objective says otherwise. `None`, infinity or NaN: the trial
            has failed.
        costs: Dict of further metrics of the trial. Defaults to none.
    """
    oracle.verbose = 0
    if value is None or not math.isfinite(value):
        trial.status = "FAILED"
    else:
        metrics = {oracle.objective.name: value, **(costs or {})}
        oracle.update_trial(trial.trial_id, metrics)
        trial.status = "COMPLETED"
    oracle.end_trial(trial)
