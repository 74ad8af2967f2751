"""The evaluator that reads the published results of NAS-Bench-201."""

import functools
import pathlib
import typing

import numpy as np

from tfdarts.evaluators.evaluation import Evaluation
from tfdarts.evaluators.evaluator import Evaluator
from tfdarts.genotypes import Genotype
from tfdarts.search_spaces.nas_bench_201 import NASBench201SearchSpace

TABLES = pathlib.Path(__file__).parent / "tables"
"""The directory of the tables; `NOTICE` there states where they are from."""

known_space = functools.cache(NASBench201SearchSpace)
"""Returns the search space; not at import, because it loads plugins."""

EPOCHS = 12
"""Epochs of the trainings that rank genotypes, on half of the images."""


class Row(typing.NamedTuple):
    """What NAS-Bench-201 knows of a genotype on CIFAR-10.

    Args:
        validation_accuracy: Float, after 12 epochs on half of the training
            images.
        test_accuracy: Float, after 200 epochs on all of them.
        seconds: Float, the duration of the 12 epochs.
        parameters: Integer.
        multiply_adds: Integer, for one image.
    """

    validation_accuracy: float
    test_accuracy: float
    seconds: float
    parameters: int
    multiply_adds: int


@functools.cache
def _table():
    """Returns the columns of the table, a dict of arrays."""
    with np.load(TABLES / "nas_bench_201.npz", allow_pickle=False) as file:
        columns = {name: file[name] for name in file.files}
    # A column has a number for each of three data sets, the first CIFAR-10.
    return columns | {
        "val12": columns["val12"][:, 0] / 1e6,
        "test200": columns["test200"][:, 0] / 1e6,
        "seconds": columns["sec_per_epoch"] / 1e3 * EPOCHS / 2,
    }


def row_of(genotype: Genotype) -> Row:
    """Returns what NAS-Bench-201 knows of a genotype.

    Args:
        genotype: `Genotype` of the space NAS-Bench-201.

    Raises:
        ValueError: If the genotype is of another space.

    Example:

    >>> row = row_of(known_space().sample(0))
    >>> f"{row.test_accuracy:.2%} at a cost of {row.seconds:.0f} seconds"
    '74.40% at a cost of 99 seconds'
    """
    if genotype not in known_space():
        raise ValueError(
            "The table of NAS-Bench-201 holds no genotype of other cells: "
            f"give --space=nas_bench_201. Received: {genotype!r}."
        )
    number, primitives = 0, known_space().primitives
    for edges in genotype.cells["cell"].nodes:
        for primitive, _ in sorted(edges, key=lambda edge: edge[1]):
            digit = primitives.index(primitive)
            number = number * len(primitives) + digit
    table = _table()
    return Row(
        validation_accuracy=float(table["val12"][number]),
        test_accuracy=float(table["test200"][number]),
        seconds=float(table["seconds"][number]),
        parameters=int(table["kparams"][number]),
        multiply_adds=int(table["mflops"][number]) * 1000,
    )


class NASBench201Evaluator(Evaluator):
    """Looks a genotype up in NAS-Bench-201: no network is trained.

    The score is the validation accuracy on CIFAR-10 after 12 epochs, and the
    cost is the seconds of this training, so a search of hours takes seconds.

    Reference:

    - [Dong and Yang, 2020](https://arxiv.org/abs/2001.00326)
    """

    name = "nas_bench_201"
    space = NASBench201SearchSpace.name
    score_name = "nas_bench_201_accuracy"
    trains_networks = False

    def __call__(self, genotype, run_dir):
        row = row_of(genotype)
        return Evaluation(
            genotype=genotype,
            rank=[-row.validation_accuracy],
            score=row.validation_accuracy,
            seconds=row.seconds,
            parameters=row.parameters,
            multiply_adds=row.multiply_adds,
        )
