"""What a search improves: the score of genotypes, and costs of networks."""

from collections.abc import Sequence

from tfdarts import arguments
from tfdarts.evaluators.evaluation import Evaluation

ACCURACY = "accuracy"
"""The objective of all searches, the first number of a rank."""

COSTS = ("parameters", "multiply_adds", "milliseconds")
"""The costs of a network that a search can trade off."""


def objectives(value: str | Sequence[str], name: str) -> str:
    """Returns the objectives of a search, separated by commas.

    Args:
        value: String, or a sequence of strings.
        name: String, the name of the argument in errors.

    Raises:
        ValueError: If the first is not `"accuracy"`, or one is unknown or
            repeated.

    Example:

    >>> objectives(["accuracy", "parameters"], "--objective")
    'accuracy,parameters'
    """
    names = value.split(",") if isinstance(value, str) else value
    names = [str(each).strip() for each in arguments.items(names)]
    first, *costs = names or [""]
    if (
        first != ACCURACY
        or not {*costs} <= {*COSTS}
        or len({*costs}) < len(costs)
    ):
        raise ValueError(
            f"{name} must be {ACCURACY}, or {ACCURACY} and some of "
            f"{', '.join(COSTS)}, separated by commas. Received: {value!r}."
        )
    return ",".join(names)


def counted_costs(
    evaluation: Evaluation, names: Sequence[str]
) -> dict[str, int]:
    """Returns the costs that the evaluator has counted, a dict by name.

    Args:
        evaluation: `Evaluation`.
        names: The costs that are wanted.
    """
    counted = {
        "parameters": evaluation.parameters,
        "multiply_adds": evaluation.multiply_adds,
    }
    return {
        name: counted[name] for name in names if counted.get(name) is not None
    }
