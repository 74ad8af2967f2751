"""The result of evaluating a genotype."""

import math
import typing

from tfdarts.genotypes import Genotype


class Evaluation(typing.NamedTuple):
    """The score of a genotype, and the costs of evaluation and network.

    Args:
        genotype: `Genotype`.
        rank: List of numbers by which genotypes are compared; the lowest list
            is the best.
        score: Float, the number to show, such as an accuracy.
        seconds: Float, the duration of the evaluation.
        parameters: Integer, the number of parameters of the network.
        multiply_adds: Integer, the multiply-adds of the network for one
            example, or `None` if not counted.
    """

    genotype: Genotype
    rank: list
    score: float
    seconds: float
    parameters: int | None
    multiply_adds: int | None = None

    @classmethod
    def of_diverged(cls, genotype):
        """Returns the evaluation of a training that diverged: the worst."""
        return cls(genotype, [math.inf], math.nan, 0.0, None)

    @property
    def has_diverged(self):
        """Whether the training of the network diverged."""
        return self.rank == [math.inf]

    def to_dict(self):
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
    def from_dict(cls, values):
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


def _finite_or_none(number):
    """Returns a number, or `None` for infinity and NaN."""
    is_finite = not isinstance(number, float) or math.isfinite(number)
    return number if is_finite else None
