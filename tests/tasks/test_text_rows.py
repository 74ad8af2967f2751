"""Rows that fit a text, and sentences that name values that fit."""

import dataclasses
import re
import types

import numpy as np
import pytest

from tfdarts.data.image_source import DataError
from tfdarts.tasks.rnn_configs import RNNSearchConfig
from tfdarts.tasks.rnn_configs import RNNTrainConfig
from tfdarts.tasks.text_rows import rows_of_search
from tfdarts.tasks.text_rows import rows_of_training

TEXTS = (2, 3, 6, 11, 30, 36, 72, 240, 300, 1200, 2300, 9600, 18_400, 90_000)


def source_of(train, validation):
    texts = {"train": np.arange(train), "validation": np.arange(validation)}
    return types.SimpleNamespace(read=texts.__getitem__)


def with_flags(config, sentence):
    """Returns a config with the flags that a sentence says to give."""
    _, _, advice = sentence.partition("Give ")
    flags = re.findall(r"--(\w+)=([\d.]+?)[.,]?(?= |$)", advice)
    kinds = {name: type(getattr(config, name)) for name, _ in flags}
    values = {name: kinds[name](value) for name, value in flags}
    return dataclasses.replace(config, **values) if flags else None


def require_fit(rows, count, steps):
    assert len(rows) % count == 0
    assert rows.shape[1] > steps


def require_search_fits(config, source, count):
    train, val = rows_of_search(config, source, count)
    require_fit(train, count, 1)
    require_fit(val, count, min(config.steps, train.shape[1] - 1))
    assert len(val) <= len(train) == (config.batch_size or len(train))


def require_training_fits(config, source, count):
    rows = rows_of_training(config, source, count)
    require_fit(rows, count, config.steps)
    assert len(rows) == (config.batch_size or len(rows))


@pytest.mark.parametrize("count", [1, 2, 3, 12])
@pytest.mark.parametrize("batch_size", [0, 12, 60, 252])
@pytest.mark.parametrize(
    ("config", "require"),
    [
        (RNNSearchConfig(), require_search_fits),
        (RNNTrainConfig(), require_training_fits),
    ],
)
def test_rows_fit_or_the_flags_that_are_named_do(
    config, require, batch_size, count
):
    """Of each length of both texts; nothing else is ever raised."""
    named = refused = 0
    for steps in (20, 35, 108):
        config = dataclasses.replace(config, batch_size=batch_size, steps=steps)
        for train in TEXTS:
            for validation in TEXTS:
                source = source_of(train, validation)
                try:
                    require(config, source, count)
                except DataError as error:
                    other = with_flags(config, str(error))
                    if other is None:
                        refused += 1
                        assert "Take a longer text" in str(error)
                        assert min(train, validation) < 3 * count
                    else:
                        named += 1
                        require(other, source, count)
    assert named and refused


@pytest.mark.parametrize("rows", [256, 64])
def test_long_texts_have_the_rows_of_the_paper(rows):
    if rows == 256:
        source = source_of(929_590, 73_761)
        train, val = rows_of_search(RNNSearchConfig(), source, 1)
        assert len(val) == rows
    else:
        source = source_of(929_590, 100)
        train = rows_of_training(RNNTrainConfig(), source, 1)
    assert len(train) == rows


def test_rows_that_are_given_are_those_of_the_training_text():
    config = RNNSearchConfig(batch_size=64)
    source = source_of(11_000, 1300)
    train, val = rows_of_search(config, source, 1)
    assert (len(train), len(val)) == (64, 32)
    # 36 words in 36 rows were 1,296; 32 is a number that devices can share.
    both = rows_of_search(RNNSearchConfig(), source, 1)
    assert [len(rows) for rows in both] == [32, 32]


def test_rows_that_are_shorter_than_a_segment_are_warned_of(caplog):
    config, source = RNNSearchConfig(batch_size=64), source_of(285, 50)
    train, _ = rows_of_search(config, source, 1)
    assert train.shape == (64, 4)
    (said,) = [r.getMessage() for r in caplog.records if r.levelno > 20]
    assert "have 4 words, so segments have 3 words, not --steps=35" in said
    caplog.clear()
    train, _ = rows_of_search(with_flags(config, said), source, 1)
    assert train.shape == (1, 285)
    assert not caplog.records


def test_what_is_chosen_is_said(caplog):
    with caplog.at_level("INFO", "tfdarts"):
        rows_of_search(
            RNNSearchConfig(batch_size=64),
            source_of(11_000, 1300),
            1,
        )
    assert (
        "the validation text has 1,300 words: a batch has 32 rows"
        in caplog.text
    )
    assert "instead of 64" in caplog.text
