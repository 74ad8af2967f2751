"""Texts as batches of consecutive segments."""

import numpy as np
import tensorflow as tf

from tfdarts.replicas import rows_of_part

HALF_AS_LONG = 0.05
SHORTEST = 5
LONGEST_BEYOND = 20
VALIDATION_ROWS = 10
"""The number of rows of a validation text, as in the authors' code."""


def split_into_rows(tokens, batch_size, name="text"):
    """Returns a text as rows, which are read side by side.

    Args:
        tokens: Integer array `(words,)`.
        batch_size: Integer.
        name: String, the name of the text in error messages.

    Returns:
        Array `(batch_size, words // batch_size)`; remaining words at the end
        are dropped.

    Raises:
        ValueError: If a row has fewer than two words.

    Example:

    >>> split_into_rows(np.arange(7), batch_size=2).tolist()
    [[0, 1, 2], [3, 4, 5]]
    """
    length = len(tokens) // batch_size
    if length < 2:
        raise ValueError(
            f"A batch of {batch_size} rows needs at least {2 * batch_size} "
            f"words, but the {name} has {len(tokens)}: lower --batch_size."
        )
    return np.reshape(tokens[: batch_size * length], (batch_size, length))


def num_segments(total, steps):
    """Returns the number of segments of a row, the same in every epoch.

    Args:
        total: Integer, words of a row. The last word is only a target.
        steps: Integer, the usual length.

    Example:

    >>> num_segments(36, steps=35), num_segments(37, steps=35)
    (1, 2)
    """
    count = -(-(total - 1) // steps)
    while count * steps - _halves(count) * (steps - steps // 2) < total - 1:
        count += 1
    return count


def segment_lengths(total, steps, seed, epoch, spread=0.0, attempt=0):
    """Returns the lengths of the segments of a row.

    A segment has `steps` steps, one in twenty half as many. With a spread,
    each length varies a little, so that rows are cut at other places in each
    epoch. The number of segments is the same in all epochs. Learning rates
    should be scaled by a segment's length.

    Args:
        total: Integer, words of a row. The last word is only a target.
        steps: Integer, the usual length.
        seed: Integer.
        epoch: Integer. The lengths depend only on seed, epoch and attempt.
        spread: Float, the standard deviation of the lengths, at most a quarter
            of `steps`. Defaults to `0.0`, as in the authors' search; in their
            training it is 5.
        attempt: Integer, the number of rollbacks of the training. Defaults to
            `0`.

    Returns:
        List of integers whose sum is `total - 1`.

    Example:

    >>> lengths = segment_lengths(100, steps=35, seed=0, epoch=0)
    >>> len(lengths), sum(lengths)
    (3, 99)

    Reference:

    - [Merity et al., 2018](https://arxiv.org/abs/1708.02182), section 4.1
    """
    random = np.random.default_rng((seed, epoch, attempt))
    count = num_segments(total, steps)
    lengths = np.full(count, float(steps))
    # The last segment is cut where the row ends, so it is never shortened.
    halves = random.choice(max(count - 1, 1), _halves(count), replace=False)
    lengths[halves] = steps // 2
    if spread:
        lengths = random.normal(lengths, spread)
        shortest = min(SHORTEST, steps)
        lengths = np.clip(lengths, shortest, steps + LONGEST_BEYOND)
        lengths *= (total - 1) / lengths.sum()
    ends = np.minimum(np.round(np.cumsum(lengths)), total - 1)
    return np.diff(ends, prepend=0).astype(int).tolist()


def _halves(count):
    return round(HALF_AS_LONG * count)


def segments(rows, lengths):
    """Yields the segments of a text, and the words that follow each.

    Args:
        rows: Integer array `(batch, words)`.
        lengths: Sequence of integers, none longer than a row allows.

    Yields:
        Tuples `(x, y)` of arrays `(batch, length)`; y is x one word later.
        When a segment would exceed the rows, it starts at their beginning.

    Raises:
        ValueError: If a segment is longer than the rows.
    """
    require_rows(rows, max(lengths))
    start = 0
    for length in lengths:
        if start + length > rows.shape[1] - 1:
            start = 0
        yield (
            rows[:, start : start + length],
            rows[:, start + 1 : start + length + 1],
        )
        start += length


def require_rows(rows, length, name="text"):
    """Raises `ValueError` if rows are shorter than a segment.

    Args:
        rows: Integer array `(batch, words)`.
        length: Integer, the steps of the longest segment.
        name: String, the name of the text in error messages.
    """
    if length > rows.shape[1] - 1:
        raise ValueError(
            f"A segment of {length} steps needs rows of {length + 1} words, "
            f"but the rows of the {name} have {rows.shape[1]}: lower "
            "--batch_size or --steps."
        )


def search_batches(train_rows, val_rows, lengths_of_epochs):
    """Returns the batches of a search, whose lengths vary.

    Training and validation text are read in order, from the beginning in each
    epoch. If the validation text is shorter, it starts over at its end.

    Args:
        train_rows: Integer array `(batch, words)`.
        val_rows: Integer array `(batch, words)`.
        lengths_of_epochs: Sequence of the lengths of the segments of each
            epoch.

    Returns:
        A `tf.data.Dataset` of `((x, y), (x_val, y_val))`, of all epochs.
    """

    def generate():
        for lengths in lengths_of_epochs:
            yield from zip(
                segments(train_rows, lengths), segments(val_rows, lengths)
            )

    specs = _spec(train_rows), _spec(val_rows)
    return tf.data.Dataset.from_generator(generate, output_signature=specs)


def training_batches(rows, lengths_of_epochs):
    """Returns the batches of a training, whose lengths vary.

    Args:
        rows: Integer array `(batch, words)`.
        lengths_of_epochs: See `search_batches`.

    Returns:
        A `tf.data.Dataset` of `(x, y)`, of all epochs.
    """

    def generate():
        for lengths in lengths_of_epochs:
            yield from segments(rows, lengths)

    return tf.data.Dataset.from_generator(
        generate, output_signature=_spec(rows)
    )


def evaluation_batches(tokens, batch_size, steps, part=(0, 1)):
    """Returns the batches of an evaluation, which cover a whole text.

    Args:
        tokens: Integer array `(words,)`.
        batch_size: Integer, rows that are read side by side; a very short
            text has fewer.
        steps: Integer, the words of a segment.
        part: Tuple `(index of the process, number of processes)`: the process
            reads only its local rows. Defaults to all rows.

    Returns:
        A `tf.data.Dataset` of `(x, y)`.
    """
    rows = split_into_rows(tokens, max(1, min(batch_size, len(tokens) // 2)))
    rows = rows_of_part(rows, *part)
    full, rest = divmod(rows.shape[1] - 1, steps)
    lengths = [steps] * full + [rest] * (rest > 0)
    batches = training_batches(rows, [lengths])
    return batches.apply(tf.data.experimental.assert_cardinality(len(lengths)))


def _spec(rows):
    return (tf.TensorSpec((len(rows), None), rows.dtype),) * 2
