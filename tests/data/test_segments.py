"""Texts in segments: nothing lost, nothing twice, lengths by seed and epoch."""

import numpy as np
import pytest

from tfdarts.data.segments import columns
from tfdarts.data.segments import search_batches
from tfdarts.data.segments import segment_lengths
from tfdarts.data.segments import segments


def test_rows_are_the_text_in_pieces():
    rows = columns(np.arange(23, dtype="int32"), 4)
    assert rows.dtype == "int32"
    assert rows.tolist() == [[*range(5 * k, 5 * k + 5)] for k in range(4)]
    with pytest.raises(ValueError, match="at least 8 words, and there are 7"):
        columns(np.arange(7), 4)


@pytest.mark.parametrize("spread", [0.0, 5.0])
def test_lengths_are_those_of_the_authors(spread):
    lengths = segment_lengths(200_000, 35, seed=1, epoch=2, spread=spread)
    assert sum(lengths) == 199_999 and min(lengths) >= 1
    *inner, _ = lengths
    if spread:
        assert min(inner) >= 5 and max(inner) <= 55
        # Rounded down, which costs half a step in the mean.
        mean = 0.95 * 35 + 0.05 * 17 - 0.5
        assert np.mean(inner) == pytest.approx(mean, abs=0.25)
        usual = [x for x in inner if x > 25]
        assert np.std(usual) == pytest.approx(5, abs=0.5)
    else:
        assert {*inner} == {35, 17}
        assert inner.count(17) / len(inner) == pytest.approx(0.05, abs=0.01)


def test_lengths_follow_from_seed_and_epoch():
    def lengths(seed, epoch):
        return segment_lengths(5000, 35, seed, epoch, spread=5.0)

    assert lengths(0, 0) == lengths(0, 0)
    assert lengths(0, 0) != lengths(0, 1) != lengths(1, 0)


def test_segments_are_the_rows_again():
    rows = columns(np.arange(60), 3)
    pairs = [*segments(rows, [7, 5, 7])]
    assert [x.shape for x, _ in pairs] == [(3, 7), (3, 5), (3, 7)]
    inputs, targets = (np.concatenate(parts, 1) for parts in zip(*pairs))
    np.testing.assert_array_equal(inputs, rows[:, :-1])
    np.testing.assert_array_equal(targets, rows[:, 1:])


def test_short_rows_begin_anew():
    rows = np.arange(10)[None]
    starts = [int(x[0, 0]) for x, _ in segments(rows, [4, 4, 4, 9])]
    assert starts == [0, 4, 0, 0]
    with pytest.raises(ValueError, match="10 steps needs rows of 11 words"):
        [*segments(rows, [10])]


def test_batches_of_a_search():
    train, val = columns(np.arange(80), 4), columns(np.arange(100, 148), 4)
    lengths = [8, 3, 8]
    batches = [*search_batches(train, val, lengths)]
    assert len(batches) == 3
    for (pair, val_pair), expected, val_expected in zip(
        batches, segments(train, lengths), segments(val, lengths)
    ):
        np.testing.assert_array_equal(pair, expected)
        np.testing.assert_array_equal(val_pair, val_expected)
