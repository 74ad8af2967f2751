"""Distances of genotypes, of which each pair of cells is compared once."""

import numpy as np
import pytest

from tfdarts.search_spaces.cnn import CNNSearchSpace
from tfdarts.strategies.proposers.edit_distance import EditDistance
from tfdarts.strategies.proposers.pairwise_distances import PairwiseDistances
from tfdarts.strategies.proposers.transport_distance import TransportDistance

SPACE = CNNSearchSpace(num_nodes=2)
GENOTYPES = [tuple(SPACE.sample(n).cells.values()) for n in range(6)]
METRICS = [EditDistance(SPACE), TransportDistance(SPACE)]


class Counted:
    """A metric that counts the pairs of cells that it compares."""

    def __init__(self, metric):
        self.metric = metric
        self.describe, self.combine = metric.describe, metric.combine
        self.pairs = 0

    def compare(self, described, others):
        self.pairs += len(others)
        return self.metric.compare(described, others)


@pytest.mark.parametrize("metric", METRICS)
def test_distances_are_those_of_the_sums_over_cells(metric):
    pairs = PairwiseDistances(metric)
    for cells in GENOTYPES[:4]:
        pairs.add(cells)
    described = [[*map(metric.describe, cells)] for cells in GENOTYPES]
    sums = np.array(
        [
            [
                sum(metric.compare(a, [b])[:, 0] for a, b in zip(one, other))
                for other in described[:4]
            ]
            for one in described
        ]
    )
    expected = metric.combine(np.moveaxis(sums, -1, 0))
    np.testing.assert_allclose(pairs.among_known(), expected[:, :4], atol=1e-12)
    found = pairs.to_known(GENOTYPES[4:])
    np.testing.assert_allclose(found, expected[:, 4:], atol=1e-12)


def test_a_pair_of_cells_is_compared_once():
    metric = Counted(EditDistance(SPACE))
    pairs = PairwiseDistances(metric)
    for number, cells in enumerate(GENOTYPES):
        pairs.to_known(GENOTYPES) if number else None
        pairs.add(cells)
        pairs.among_known()
    # Two cells of each of six genotypes, to those of the first five; and of
    # the last, when it becomes known, to nobody.
    assert metric.pairs == 2 * 6 * 5


@pytest.mark.parametrize("metric", METRICS)
def test_others_are_known_in_a_copy(metric):
    pairs, whole = PairwiseDistances(metric), PairwiseDistances(metric)
    for number, cells in enumerate(GENOTYPES):
        if number < 3:
            pairs.add(cells)
        whole.add(cells)
    found = pairs.with_others(GENOTYPES[3:]).among_known()
    np.testing.assert_array_equal(found, whole.among_known())
    assert pairs.among_known().shape[1:] == (3, 3)


def test_what_is_not_asked_for_any_more_is_forgotten():
    metric = Counted(EditDistance(SPACE))
    pairs = PairwiseDistances(metric)
    pairs.add(GENOTYPES[0])
    first, second = GENOTYPES[1:2], GENOTYPES[2:3]
    for asked, compared in (
        (first, 2),
        (second, 4),
        ([], 4),  # The call of `forget`.
        (first, 4),
        ([], 4),
        (first, 4),
        (second, 6),
    ):
        pairs.to_known(asked) if asked else pairs.forget()
        assert metric.pairs == compared
