"""The evaluators by name."""

from tfdarts.evaluators.evaluator import Evaluator
from tfdarts.evaluators.nas_bench_201_table import NASBench201Evaluator
from tfdarts.evaluators.surrogate import SurrogateEvaluator
from tfdarts.registry import Registry
from tfdarts.runs.from_scratch import FromScratchEvaluator
from tfdarts.runs.shared_weights import SharedWeightsEvaluator
from tfdarts.settings.part_checks import require_name_and_settings

EVALUATORS = Registry(
    "evaluator",
    "evaluators",
    {
        each.name: each
        for each in (
            FromScratchEvaluator,
            NASBench201Evaluator,
            SurrogateEvaluator,
            SharedWeightsEvaluator,
        )
    },
)


def register_evaluator(evaluator: type[Evaluator]) -> None:
    """Makes an evaluator known to all functions and commands.

    Args:
        evaluator: Subclass of `tfdarts.Evaluator`. It replaces an evaluator
            of the same name.

    Raises:
        ValueError: If it is not such a class, lacks `__call__`, or its name
            or `settings` cannot be used.
    """
    is_class = isinstance(evaluator, type)
    if not is_class or not issubclass(evaluator, Evaluator):
        raise ValueError(
            "An evaluator must be a subclass of tfdarts.Evaluator, the class "
            f"and not an instance. Received: {evaluator!r}."
        )
    require_name_and_settings("evaluator", evaluator)
    if evaluator.__call__ is Evaluator.__call__:
        raise ValueError(
            f"The evaluator {evaluator.name} must have a method "
            "`__call__(genotype, run_dir)`."
        )
    EVALUATORS[evaluator.name] = evaluator


def get_evaluator(name):
    """Returns the class of the evaluator with this name.

    Raises:
        ValueError: If no evaluator has this name.

    Example:

    >>> get_evaluator("from_scratch").name
    'from_scratch'
    """
    return EVALUATORS.find(name)


def score_name(settings, task):
    """Returns the name of the scores of a search that trains candidates.

    Args:
        settings: Object that has the settings of the search as attributes.
        task: `Task`.
    """
    name = get_evaluator(settings.evaluator).score_name
    return name or task.figure_of_selection(settings)
