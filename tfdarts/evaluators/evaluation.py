"""The result of evaluating a genotype."""

import math
import typing

from tfdarts import arguments
from tfdarts.genotypes import Genotype


class OutOfTime(Exception):
    """The time of a search was up before its candidate was measured."""


class Evaluation(typing.NamedTuple):
    """The score of a genotype, and the costs of evaluation and network.

    Args:
        genotype: `Genotype`.
        rank: List of numbers by which genotypes are compared; the lowest list
            is the best.
        score: Float, the number to show, such as an accuracy.
        seconds: Float, the duration of the evaluation. Defaults to the time
            that the evaluator takes in the search.
        parameters: Integer, the number of parameters of the network, or
            `None` if not counted.
        multiply_adds: Integer, the multiply-adds of the network for one
            example, or `None` if not counted.
    """

    genotype: Genotype
    rank: list
    score: float
    seconds: float | None = None
    parameters: int | None = None
    multiply_adds: int | None = None

    @classmethod
    def of_diverged(cls, genotype: Genotype) -> "Evaluation":
        """Returns the evaluation of a training that diverged: the worst."""
        return cls(genotype, [math.inf], math.nan, 0.0, None)

    @property
    def has_diverged(self) -> bool:
        """Whether the training of the network diverged."""
        return self.rank == [math.inf]

    def to_dict(self) -> dict:
        """Returns the evaluation as a dict that can be written as JSON.

        JSON has no infinity and no NaN: `None` replaces them.
        """
        return {
            **self._asdict(),
            "genotype": self.genotype.to_dict(),
            "rank": [_finite_or_none(number) for number in self.rank],
            "score": _finite_or_none(self.score),
        }

    @classmethod
    def from_dict(cls, values: dict) -> "Evaluation":
        """Returns the evaluation of a dict that `to_dict` returned.

        Older versions of tfdarts wrote infinity and NaN; both are read too.
        """
        rank, score = values["rank"], values["score"]
        changed = {
            "genotype": Genotype.from_dict(values["genotype"]),
            "rank": [math.inf if number is None else number for number in rank],
            "score": math.nan if score is None else score,
        }
        return cls(**{**values, **changed})


def require_evaluation(value, genotype, evaluator):
    """Returns what an evaluator returned, with plain Python numbers.

    Args:
        value: The result of the evaluator.
        genotype: `Genotype` that it was given.
        evaluator: String, the name of the evaluator.

    Raises:
        ValueError: If the value is not an `Evaluation` of the genotype, or
            one of its fields cannot be used.
    """
    if not isinstance(value, Evaluation) or value.genotype != genotype:
        raise ValueError(
            f"The evaluator {evaluator} must return the tfdarts.Evaluation of "
            f"the genotype that it is given. Received: {value!r}."
        )
    plain = value._replace(
        rank=[*map(arguments.scalar, arguments.items(value.rank))],
        **{name: arguments.scalar(getattr(value, name)) for name in _NUMBERS},
    )
    for name, (is_usable, wanted) in {"rank": _RANK, **_NUMBERS}.items():
        if not is_usable(getattr(plain, name)):
            raise ValueError(
                f"The evaluator {evaluator} must return an evaluation whose "
                f"{name} is {wanted}. Received: {getattr(value, name)!r}."
            )
    return plain


def _is_number(value):
    return type(value) in (int, float)


def _is_rank(values):
    # NaN has no order, and the file of the trials has one infinity.
    return values and all(_is_number(n) and n > -math.inf for n in values)


def _is_count(value):
    return value is None or type(value) is int


def _is_duration(value):
    return value is None or _is_number(value) and 0 <= value < math.inf


_RANK = (_is_rank, "a list of numbers other than NaN and -infinity")
_NUMBERS = {
    "score": (_is_number, "a number"),
    "seconds": (_is_duration, "a finite number of at least 0, or None"),
    "parameters": (_is_count, "an integer, or None"),
    "multiply_adds": (_is_count, "an integer, or None"),
}


def _finite_or_none(number):
    """Returns a number, or `None` for infinity and NaN."""
    is_finite = not isinstance(number, float) or math.isfinite(number)
    return number if is_finite else None
