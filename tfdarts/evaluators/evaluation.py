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
        """Returns the evaluation as a dict that can be written as JSON."""
        return {**self._asdict(), "genotype": self.genotype.to_dict()}

    @classmethod
    def from_dict(cls, values):
        """Returns the evaluation of a dict that `to_dict` returned."""
        return cls(
            **{**values, "genotype": Genotype.from_dict(values["genotype"])}
        )
