"""When a search had better end, on histories made by hand."""

import csv
import pathlib
import statistics

import numpy as np
import pytest

from tfdarts.genotypes import PRIMITIVES
from tfdarts.genotypes import Genotype
from tfdarts.strategies import early_stop_rules
from tfdarts.strategies.early_stop_rules import History


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
    assert early_stop_rules.skips(history, patience=10) == best


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
    assert early_stop_rules.stable(history_of(alphas), patience=3) == best


def test_stable_looks_at_all_cells_and_edges():
    alphas = [in_order(*FIRST) for _ in range(6)]
    assert early_stop_rules.stable(history_of(alphas), patience=3) == 5
    alphas[-1][1] = in_order(*SECOND)[1]
    assert early_stop_rules.stable(history_of(alphas), patience=3) is None
    history = history_of([in_order(*FIRST) for _ in range(6)])
    history.probabilities["reduce"][-1] = in_order(*SECOND)
    assert early_stop_rules.stable(history, patience=3) is None


def test_stable_leaves_out_what_learns_nothing():
    """Pools, skips and none may change places, with one another and all."""
    alphas = [in_order(*FIRST) for _ in range(6)]
    for column in range(4):
        alphas[-1][:, column] = 10 - 5 * column
    assert early_stop_rules.stable(history_of(alphas), patience=3) == 5


def curvature(eigenvalues):
    return early_stop_rules.hessian(
        History([], {}, PRIMITIVES, eigenvalues), 10
    )


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


def published_searches():
    """Returns eigenvalues and skips of six searches by (L2, seed).

    The numbers are from the logs of https://github.com/automl/RobustDARTS
    (Apache License 2.0), the space S1 on CIFAR-10 without drop path. The
    authors measured every second of 50 epochs.
    """
    searches = {}
    path = pathlib.Path(__file__).with_name("robustdarts_s1.csv")
    with path.open() as file:
        for row in csv.DictReader(file):
            eigenvalues, skips = searches.setdefault(
                (row["l2"], int(row["seed"])), ([], [])
            )
            eigenvalues.append(float(row["eigenvalue"]))
            skips.append(int(row["skips"]))
    return searches


def first_stop(rule, measured):
    """Returns when a rule stops and the epoch of its result, or `None`."""
    # What was not measured must not matter.
    eigenvalues = [v for each in measured for v in (each, float("nan"))]
    for epochs in range(1, len(eigenvalues) + 1):
        history = History([], {}, PRIMITIVES, eigenvalues[:epochs])
        if best := rule(history, 10):
            return epochs, best
    return None


class ByTheAuthors:
    """The rule in the words of the authors' code: sums kept as it goes."""

    def __init__(self):
        self.means, self.window = [], []

    def stops(self, epoch, eigenvalue):
        self.window = [*self.window, eigenvalue][-5:]
        self.means.append(statistics.fmean(self.window))
        middle = epoch - 2 * 2  # Of the five measurements.
        result = middle - 2 * 4
        if result < 10:
            return None
        return result if self.means[-1] / self.means[-5] > 1.3 else None


@pytest.mark.parametrize("l2", ["0.0003", "0.0081"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_robust_darts_stops_published_searches_as_their_code_does(l2, seed):
    measured, _ = published_searches()[l2, seed]
    code = ByTheAuthors()
    stops = [
        (2 * number + 1, result + 1)
        for number, value in enumerate(measured)
        if (result := code.stops(2 * number, value)) is not None
    ]
    expected = stops[0] if stops else None
    assert first_stop(early_stop_rules.robust_darts, measured) == expected


def test_robust_darts_stops_published_searches_that_collapse():
    """Those with the default L2 have seven skips, those with more two."""
    for (l2, _), (measured, skips) in published_searches().items():
        found = first_stop(early_stop_rules.robust_darts, measured)
        if l2 == "0.0003":
            assert skips[-1] == 7 and found[0] <= 31
        else:
            assert skips[-1] <= 2
            assert found is None or found[0] > 45
