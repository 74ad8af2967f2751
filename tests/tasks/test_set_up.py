"""What each run switches on before it computes."""

import dataclasses

import pytest
import tensorflow as tf
from tiny_search import TINY

from tfdarts.tasks import set_up as set_up_module


@pytest.mark.parametrize(
    "kinds, deterministic, expected",
    [
        (["CPU"], False, True),
        (["CPU"], True, True),
        (["CPU", "GPU"], False, False),
        (["CPU", "GPU"], True, True),
    ],
)
def test_sums_keep_their_order_on_cpus(
    monkeypatch, kinds, deterministic, expected
):
    calls = []
    monkeypatch.setattr(
        set_up_module, "keep_sums_in_order", lambda: calls.append(True)
    )
    monkeypatch.setattr(
        set_up_module,
        "local_devices",
        lambda kind=None: [f"/device:{k}:0" for k in kinds if k == kind],
    )
    monkeypatch.setattr(
        tf.config.experimental, "enable_op_determinism", lambda: None
    )
    config = dataclasses.replace(TINY, deterministic=deterministic)
    set_up_module.set_up(config, tf.distribute.get_strategy())
    assert bool(calls) == expected
