"""When a search had better end, on histories made by hand."""

import numpy as np
import pytest

from tfdarts.genotypes import PRIMITIVES
from tfdarts.genotypes import Genotype
from tfdarts.strategies import early_stop
from tfdarts.strategies.early_stop import History


def genotype(skips):
    """One whose normal cell has so many skip connections."""
    normal = [
        ("skip_connect" if edge < skips else "sep_conv_3x3", edge % 2)
        for edge in range(8)
    ]
    reduce = [("skip_connect", edge % 2) for edge in range(8)]
    return Genotype(normal, [2, 3, 4, 5], reduce, [2, 3, 4, 5])


@pytest.mark.parametrize(
    ("skips", "best"), [([3, 1], None), ([0, 0, 2], 3), ([4], 1), ([1], None)]
)
def test_skips_counts_those_of_the_normal_cell_now(skips, best):
    history = History([*map(genotype, skips)], {}, PRIMITIVES, [])
    assert early_stop.skips(history, patience=10) == best


def history_of(alphas):
    """Of alphas, the initial ones first; the reduction cell's stay."""
    genotypes = [genotype(0)] * (len(alphas) - 1)
    still = [np.tile(np.arange(8.0), (2, 1))] * len(alphas)
    return History(
        genotypes, {"normal": alphas, "reduce": still}, PRIMITIVES, []
    )


def in_order(*columns):
    """Alphas of two edges whose convolutions rank so, the second reversed."""
    values = np.zeros(8)
    values[list(columns)] = range(1, 1 + len(columns))
    return np.stack([values, -values])


FIRST, SECOND = (4, 5, 6, 7), (5, 4, 6, 7)


@pytest.mark.parametrize(
    ("rankings", "best"),
    [
        ([FIRST] * 4, None),  # three epochs, and it takes more than three
        ([SECOND] + [FIRST] * 4, 4),
        ([FIRST, SECOND, FIRST, FIRST, FIRST], None),
        ([FIRST, FIRST, SECOND, FIRST, FIRST], None),
        ([FIRST, SECOND] + [FIRST] * 4, 5),
        ([FIRST] * 5 + [SECOND], None),
    ],
)
def test_stable_looks_back_as_far_as_its_patience(rankings, best):
    alphas = [in_order(*columns) for columns in rankings]
    assert early_stop.stable(history_of(alphas), patience=3) == best


def test_stable_looks_at_all_cells_and_edges():
    alphas = [in_order(*FIRST) for _ in range(6)]
    assert early_stop.stable(history_of(alphas), patience=3) == 5
    alphas[-1][1] = in_order(*SECOND)[1]
    assert early_stop.stable(history_of(alphas), patience=3) is None
    history = history_of([in_order(*FIRST) for _ in range(6)])
    history.probabilities["reduce"][-1] = in_order(*SECOND)
    assert early_stop.stable(history, patience=3) is None


def test_stable_leaves_out_what_learns_nothing():
    """Pools, skips and none may change places, with one another and all."""
    alphas = [in_order(*FIRST) for _ in range(6)]
    for column in range(4):
        alphas[-1][:, column] = 10 - 5 * column
    assert early_stop.stable(history_of(alphas), patience=3) == 5


def curvature(eigenvalues):
    return early_stop.hessian(History([], {}, PRIMITIVES, eigenvalues), 10)


@pytest.mark.parametrize(
    ("eigenvalues", "best"),
    [
        ([1.0] * 20, None),
        ([1.0] * 5, None),
        # Means of five: 1 before; now (4 + x) / 5, more than 1.3 from x = 2.5.
        ([1.0] * 10 + [2.49], None),
        ([1.0] * 10 + [2.51], 6),
        # Those of ten epochs ago do not count.
        ([9.0] * 3 + [1.0] * 10 + [2.51], 9),
        # One outlier is not what the mean is before it.
        ([1.0] * 6 + [1.2, 1.4, 1.4, 1.4, 1.4], 6),
        ([2.0] * 6 + [1.0] * 6, None),
        # Not before there are two means of five.
        ([1.0] * 5 + [9.0] * 4, None),
        ([1.0] * 5 + [1.4] * 5, 5),
    ],
)
def test_hessian_compares_means_of_five_five_epochs_apart(eigenvalues, best):
    assert curvature(eigenvalues) == best
