"""Choosing the number of rows of a text, and splitting the text into rows."""

import logging

from tfdarts.data import segments
from tfdarts.data.image_source import DataError
from tfdarts.replicas import worker_of
from tfdarts.training.memory import logit_bytes

logger = logging.getLogger("tfdarts")

ROUND = 8
"""Chosen numbers of rows are multiples of 8, so that they are the same for 1,
2, 4 and 8 replicas."""


def rows_of_search(config, source, count):
    """Returns the rows of the training and of the validation text.

    If the validation text is too short for `--batch_size` rows of one segment
    each, it is split into fewer rows, which is logged.

    Args:
        config: `tfdarts.RNNSearchConfig`.
        source: `tfdarts.data.text_source.TextSource`.
        count: Integer, the number of replicas that share the rows.

    Returns:
        Two integer arrays `(rows, words)`.

    Raises:
        DataError: If a text is too short.
    """
    train, val = source.read("train"), source.read("validation")
    steps = config.steps
    shorter = min(("train", train), ("validation", val), key=_length)
    rows = config.batch_size or _default_rows(config, count)
    fit = len(train) >= 2 * rows
    longest = min(steps, len(train) // rows - 1)
    if not config.batch_size and not (fit and len(val) // rows > longest):
        rows = _choose_rows(*shorter, rows, config, count)
        fit, longest = rows > 0, steps
    val_rows = rows
    if fit and len(val) // rows <= longest:
        val_rows = _choose_rows("validation", val, rows, config, count, longest)
    if not fit or not val_rows:
        too_many = 0 < len(train) < 2 * config.batch_size
        raise DataError(_too_short_message(*shorter, config, count, too_many))
    if longest < steps:
        logger.warning(
            "data: with --batch_size=%d the rows of the train text have %d "
            "words, so segments have %d words, not --steps=%d. %s",
            *(rows, longest + 1, longest, steps),
            _advice(len(shorter[1]), config, count, too_many=True),
        )
    return segments.split_into_rows(train, rows), segments.split_into_rows(
        val, val_rows
    )


def rows_of_training(config, source, count):
    """Returns the rows of the training text, an integer array `(rows, words)`.

    Args:
        config: `tfdarts.RNNTrainConfig`.
        source: `tfdarts.data.text_source.TextSource`.
        count: Integer, the number of replicas that share the rows.

    Raises:
        DataError: If the training text is too short.
    """
    train = source.read("train")
    rows = config.batch_size or _default_rows(config, count)
    fit = len(train) // rows > config.steps
    if not config.batch_size and not fit:
        rows = _choose_rows("train", train, rows, config, count)
        fit = rows > 0
    if not fit:
        too_many = config.batch_size > 0
        raise DataError(
            _too_short_message("train", train, config, count, too_many)
        )
    return segments.split_into_rows(train, rows)


def _length(named):
    return len(named[1])


def _default_rows(config, count):
    """Returns the number of rows for a text that is long enough."""
    return max(config.most_rows - config.most_rows % count, count)


def _choose_rows(split, tokens, most, config, count, steps=None):
    """Returns and logs how many rows hold a segment each; 0 if none."""
    steps = config.steps if steps is None else steps
    rows = _most_rows(len(tokens), most, steps, count)
    if rows:
        logger.info(
            "data: the %s text has %s words: a batch has %d rows instead of "
            "%d, so that each row has a segment of %d words (--steps)",
            *(split, f"{len(tokens):,}", rows, most, steps),
        )
    return rows


def _most_rows(words, most, steps, count):
    """Returns the most rows of `steps + 1` words, a multiple of `count`."""
    rows = min(most, words // (steps + 1))
    rounded = rows - rows % ROUND
    return rounded - rounded % count or rows - rows % count


def _too_short_message(split, tokens, config, count, too_many):
    """Returns the reason, and the flags and values that would fit.

    Args:
        too_many: Boolean, whether `--batch_size` must be lowered.
    """
    devices = f", on each of {count} devices" if count > 1 else ""
    return (
        f"The {split} text has {len(tokens):,} words, too few for "
        f"--batch_size={config.batch_size or 1} and --steps={config.steps}: "
        f"a row must have {config.steps + 1} words, a segment and the word "
        f"after it{devices}. {_advice(len(tokens), config, count, too_many)}"
    )


def _advice(words, config, count, too_many):
    """Returns the flags and values that fit a text of so many words."""
    rows = _most_rows(words, words, config.steps, count)
    if rows:
        return f"Give --batch_size={rows}."
    steps = words // count - 1
    if steps < 2:
        return "Take a longer text."
    flags = [f"--batch_size={count}"] * too_many + [f"--steps={steps}"]
    if getattr(config, "step_spread", 0) > steps / 4:
        flags.append(f"--step_spread={steps / 4:g}")
    return f"Give {' '.join(flags)}, or take a longer text."


def least_bytes(config, source, distribution):
    """Returns the least memory of a step of this process, in bytes.

    Args:
        config: `tfdarts.tasks.rnn_configs.RNNConfig`, with its batch size.
        source: `TextSource`.
        distribution: `tf.distribute.Strategy`.
    """
    words = config.batch_size * config.steps // worker_of(distribution)[1]
    return logit_bytes(words, len(source.vocabulary))
