"""The outcome of evaluating a genotype."""

import dataclasses
import typing

from tfdarts.genotypes import Genotype


class Evaluation(typing.NamedTuple):
    """What a genotype is worth, and what it cost to know.

    Args:
        genotype: `Genotype`.
        rank: List of numbers by which genotypes are compared; the lowest is
            the best.
        score: Float, the figure to show, as an accuracy.
        seconds: Float, what the evaluation took.
        parameters: Integer, those of the network.
        multiply_adds: Integer, those of the network for one example, or
            `None` where they are not counted.
    """

    genotype: Genotype
    rank: list
    score: float
    seconds: float
    parameters: int
    multiply_adds: int | None = None

    def to_dict(self):
        """Returns the evaluation as JSON can hold it."""
        genotype = dataclasses.asdict(self.genotype)
        return {**self._asdict(), "genotype": genotype}

    @classmethod
    def from_dict(cls, values):
        """Returns the evaluation that `to_dict` has made a dict of."""
        return cls(**{**values, "genotype": Genotype(**values["genotype"])})
