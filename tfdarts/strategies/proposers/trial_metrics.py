"""Evaluations as metrics of keras-tuner, which workers send to the chief."""

from tfdarts.evaluators.evaluation import Evaluation

_RANK = "rank_{}"
_COUNTS = ("parameters", "multiply_adds")


def metrics_of(evaluation):
    """Returns the numbers of an evaluation, a dict of floats.

    Example:

    >>> metrics_of(Evaluation(None, [-0.5, 2.0], 0.5, 3.0))
    {'score': 0.5, 'seconds': 3.0, 'rank_0': -0.5, 'rank_1': 2.0}
    """
    numbers = evaluation._asdict()
    del numbers["genotype"]
    rank = numbers.pop("rank")
    numbers |= {_RANK.format(n): number for n, number in enumerate(rank)}
    return {
        n: float(value) for n, value in numbers.items() if value is not None
    }


def evaluation_of(metrics, genotype):
    """Returns the evaluation of a genotype; the inverse of `metrics_of`.

    Args:
        metrics: Mapping from strings to floats.
        genotype: `Genotype`.
    """
    numbers = dict(metrics)
    names = [_RANK.format(n) for n in range(len(numbers))]
    rank = [numbers.pop(name) for name in names if name in numbers]
    for name in numbers.keys() & {*_COUNTS}:
        numbers[name] = int(numbers[name])
    return Evaluation(genotype, rank, **numbers)
