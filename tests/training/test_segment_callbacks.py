"""Texts read segment by segment: rates, states, perplexity."""

import math
import types

import keras
import pytest

from tfdarts.training.segment_callbacks import Perplexity
from tfdarts.training.segment_callbacks import ResetStates
from tfdarts.training.segment_callbacks import SegmentRate


def test_the_rate_is_scaled_by_the_length():
    lengths = {0: [35, 17], 1: [7]}
    callback = SegmentRate(20.0, 35, lengths.__getitem__)
    optimizer = keras.optimizers.SGD(20.0)
    callback.set_model(types.SimpleNamespace(optimizer=optimizer))
    rates = []
    for epoch in (0, 1):
        callback.on_epoch_begin(epoch)
        for batch in range(len(lengths[epoch])):
            callback.on_train_batch_begin(batch)
            rates.append(float(optimizer.learning_rate))
        callback.on_epoch_end(epoch)
        assert float(optimizer.learning_rate) == 20
    assert rates == pytest.approx([20, 20 * 17 / 35, 4])


def test_states_start_over_with_an_epoch():
    calls = []
    callback = ResetStates()
    model = types.SimpleNamespace(reset_states=lambda: calls.append(True))
    callback.set_model(model)
    callback.on_epoch_begin(0)
    assert len(calls) == 1


def test_perplexity_is_exp_of_the_loss():
    logs = {"loss": 1.0, "val_loss": math.log(7)}
    Perplexity(["val_loss"]).on_epoch_end(0, logs)
    assert logs.pop("val_perplexity") == pytest.approx(7)
    assert logs == {"loss": 1.0, "val_loss": math.log(7)}
    logs = {"loss": 1e9}
    Perplexity(["loss"]).on_epoch_end(0, logs)
    assert logs["perplexity"] == math.inf
