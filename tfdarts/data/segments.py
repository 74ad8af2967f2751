"""Texts as batches of segments, one after the other."""

import numpy as np
import tensorflow as tf

HALF_AS_LONG = 0.05
SHORTEST = 5
LONGEST_BEYOND = 20


def columns(tokens, batch_size):
    """Returns a text as rows that are read side by side.

    Args:
        tokens: Integer array `(words,)`.
        batch_size: Integer.

    Returns:
        Array `(batch_size, words // batch_size)`; what is left over at the
        end is dropped.

    Raises:
        ValueError: If there are not two words in a row.

    Example:

    >>> columns(np.arange(7), batch_size=2).tolist()
    [[0, 1, 2], [3, 4, 5]]
    """
    length = len(tokens) // batch_size
    if length < 2:
        raise ValueError(
            f"A batch of {batch_size} rows needs at least {2 * batch_size} "
            f"words, and there are {len(tokens)}: lower --batch_size."
        )
    return np.reshape(tokens[: batch_size * length], (batch_size, length))


def segment_lengths(total, steps, seed, epoch, spread=0.0):
    """Returns the lengths of the segments that a row is cut into.

    A segment has `steps` steps, now and then half as many, and with a spread
    a few more or less, so that rows are not cut at the same places in each
    epoch. Learning rates are to be scaled by a segment's length.

    Args:
        total: Integer, words of a row. The last is a target alone.
        steps: Integer, the usual length.
        seed: Integer.
        epoch: Integer. The lengths follow from seed and epoch alone.
        spread: Float, the standard deviation of the lengths. Defaults to
            `0.0`, as in the authors' search; in their training it is 5.

    Returns:
        List of integers whose sum is `total - 1`.

    Example:

    >>> sum(segment_lengths(100, steps=35, seed=0, epoch=0))
    99

    Reference:

    - [Merity et al., 2018](https://arxiv.org/abs/1708.02182), section 4.1
    """
    random = np.random.default_rng((seed, epoch))
    left, lengths = total - 1, []
    while left:
        length = steps // 2 if random.random() < HALF_AS_LONG else steps
        if spread:
            length = max(SHORTEST, int(random.normal(length, spread)))
            length = min(length, steps + LONGEST_BEYOND)
        lengths.append(min(length, left))
        left -= lengths[-1]
    return lengths


def segments(rows, lengths):
    """Yields the segments of a text, and the words that follow each.

    Args:
        rows: Integer array `(batch, words)`.
        lengths: Sequence of integers.

    Yields:
        Tuples `(x, y)` of arrays `(batch, length)`; y is x one word later.
        Where the rows end before the lengths do, they begin anew.

    Raises:
        ValueError: If a segment is longer than the rows.
    """
    start = 0
    for length in lengths:
        if length > rows.shape[1] - 1:
            raise ValueError(
                f"A segment of {length} steps needs rows of {length + 1} "
                f"words, and they have {rows.shape[1]}: lower --batch_size or "
                f"--steps."
            )
        if start + length > rows.shape[1] - 1:
            start = 0
        yield (
            rows[:, start : start + length],
            rows[:, start + 1 : start + length + 1],
        )
        start += length


def search_batches(train_rows, val_rows, epoch_lengths):
    """Returns the batches of a search, each of its own length.

    Training and validation text are each read in their order; the shorter
    begins anew when it is at its end.

    Args:
        train_rows: Integer array `(batch, words)`.
        val_rows: Integer array `(batch, words)`.
        epoch_lengths: Sequence of the lengths of the segments of one epoch.

    Returns:
        A `tf.data.Dataset` of `((x, y), (x_val, y_val))`.
    """

    def generate():
        yield from zip(
            segments(train_rows, epoch_lengths),
            segments(val_rows, epoch_lengths),
        )

    specs = tuple(
        (tf.TensorSpec((len(rows), None), rows.dtype),) * 2
        for rows in (train_rows, val_rows)
    )
    return tf.data.Dataset.from_generator(generate, output_signature=specs)
