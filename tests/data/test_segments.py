"""Texts in segments: nothing lost, nothing twice, lengths by seed and epoch."""

import numpy as np
import pytest

from tfdarts.data.segments import evaluation_batches
from tfdarts.data.segments import num_segments
from tfdarts.data.segments import search_batches
from tfdarts.data.segments import segment_lengths
from tfdarts.data.segments import segments
from tfdarts.data.segments import split_into_rows
from tfdarts.data.segments import training_batches


def test_rows_are_the_text_in_pieces():
    rows = split_into_rows(np.arange(23, dtype="int32"), 4)
    assert rows.dtype == "int32"
    assert rows.tolist() == [[*range(5 * k, 5 * k + 5)] for k in range(4)]
    with pytest.raises(
        ValueError, match="at least 8 words, but the text has 7"
    ):
        split_into_rows(np.arange(7), 4)


@pytest.mark.parametrize("spread", [0.0, 5.0])
def test_lengths_are_those_of_the_authors(spread):
    lengths = segment_lengths(200_000, 35, seed=1, epoch=2, spread=spread)
    assert sum(lengths) == 199_999 and min(lengths) >= 1
    *inner, _ = lengths
    if spread:
        # The row's end is met by lengths that are a little longer or shorter.
        assert min(inner) >= 4 and max(inner) <= 57
        mean = 0.95 * 35 + 0.05 * 17
        assert np.mean(inner) == pytest.approx(mean, abs=0.25)
        usual = [x for x in inner if x > 25]
        assert np.std(usual) == pytest.approx(5, abs=0.5)
    else:
        assert {*inner} == {35, 17}
        assert inner.count(17) == round(0.05 * len(lengths))


@pytest.mark.parametrize("steps", [2, 7, 35])
@pytest.mark.parametrize("spread", [0.0, 5.0])
def test_every_epoch_has_as_many_segments(steps, spread):
    for total in (2, 3, 36, 37, 100, 613, 1825):
        count = num_segments(total, steps)
        for epoch in range(5):
            most = min(spread, steps / 4)
            lengths = segment_lengths(total, steps, 0, epoch, most)
            assert len(lengths) == count
            assert sum(lengths) == total - 1 and min(lengths) >= 1


def test_lengths_follow_from_seed_and_epoch():
    def lengths(seed, epoch):
        return segment_lengths(5000, 35, seed, epoch, spread=5.0)

    assert lengths(0, 0) == lengths(0, 0)
    assert lengths(0, 0) != lengths(0, 1) != lengths(1, 0)
    again = segment_lengths(5000, 35, 0, 0, spread=5.0, attempt=1)
    assert again != lengths(0, 0)


def test_segments_are_the_rows_again():
    rows = split_into_rows(np.arange(60), 3)
    pairs = [*segments(rows, [7, 5, 7])]
    assert [x.shape for x, _ in pairs] == [(3, 7), (3, 5), (3, 7)]
    inputs, targets = (np.concatenate(parts, 1) for parts in zip(*pairs))
    np.testing.assert_array_equal(inputs, rows[:, :-1])
    np.testing.assert_array_equal(targets, rows[:, 1:])


def test_short_rows_start_over():
    rows = np.arange(10)[None]
    starts = [int(x[0, 0]) for x, _ in segments(rows, [4, 4, 4, 9])]
    assert starts == [0, 4, 0, 0]
    with pytest.raises(ValueError, match="10 steps needs rows of 11 words"):
        [*segments(rows, [10])]


def test_batches_of_a_search():
    train, val = (
        split_into_rows(np.arange(80), 4),
        split_into_rows(np.arange(100, 148), 4),
    )
    lengths = [8, 3, 8]
    other = [3, 8, 8]
    batches = [*search_batches(train, val, [lengths, other])]
    assert len(batches) == 6
    for part, expected_lengths in (
        (batches[:3], lengths),
        (batches[3:], other),
    ):
        for (pair, val_pair), expected, val_expected in zip(
            part,
            segments(train, expected_lengths),
            segments(val, expected_lengths),
        ):
            np.testing.assert_array_equal(pair, expected)
            np.testing.assert_array_equal(val_pair, val_expected)


def test_batches_of_a_training():
    rows = split_into_rows(np.arange(80), 4)
    batches = [*training_batches(rows, [[8, 11], [11, 8]])]
    expected = [*segments(rows, [8, 11]), *segments(rows, [11, 8])]
    assert len(batches) == 4
    for pair, expected_pair in zip(batches, expected):
        np.testing.assert_array_equal(pair, expected_pair)


def test_a_very_short_text_is_read_in_fewer_rows():
    ((x, y),) = evaluation_batches(np.arange(7), batch_size=10, steps=5)
    assert x.numpy().tolist() == [[0], [2], [4]]
    assert y.numpy().tolist() == [[1], [3], [5]]


@pytest.mark.parametrize("words", [21, 22])
def test_a_test_reads_all_words_once(words):
    batches = evaluation_batches(np.arange(words), batch_size=1, steps=5)
    assert int(batches.cardinality()) == len([*batches]) == 4 + (words == 22)
    read = [np.concatenate(parts, 1)[0] for parts in zip(*batches)]
    np.testing.assert_array_equal(read[0], np.arange(words - 1))
    np.testing.assert_array_equal(read[1], np.arange(1, words))


@pytest.mark.parametrize("count", [2, 3])
def test_each_process_reads_its_rows_of_a_test(count):
    tokens = np.arange(101)
    whole = [x.numpy() for x, _ in evaluation_batches(tokens, 10, 4)]
    parts = [
        [
            x.numpy()
            for x, _ in evaluation_batches(tokens, 10, 4, (index, count))
        ]
        for index in range(count)
    ]
    for one, *others in zip(whole, *parts, strict=True):
        assert np.array_equal(one, np.concatenate(others))
