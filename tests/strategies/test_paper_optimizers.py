"""What a search is compiled with when it is not told."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfdarts.models.cnn_supernet import CNNSupernet
from tfdarts.models.rnn_supernet import RNNSupernet
from tfdarts.strategies.darts import DARTS
from tfdarts.tasks import image_search
from tfdarts.tasks import text_search
from tfdarts.tasks.configs import SearchConfig
from tfdarts.tasks.presets import fill_paper_settings
from tfdarts.tasks.rnn_configs import RNNSearchConfig


def of_images():
    return CNNSupernet(
        2, 3, 3, (4, 4, 1), num_nodes=1, primitives=("none", "skip_connect")
    )


def of_texts():
    return RNNSupernet(vocabulary_size=5, units=3, num_nodes=1)


def settings_of(optimizer):
    config = optimizer.get_config()
    del config["name"]  # It has a number.
    rate = optimizer._learning_rate
    config["learning_rate"] = np.float32(rate(0) if callable(rate) else rate)
    return config


@pytest.mark.parametrize(
    "supernet, of_the_command, config",
    [
        (
            of_images,
            image_search.compile_search,
            fill_paper_settings(SearchConfig()),
        ),
        (of_texts, text_search.compile_search, RNNSearchConfig()),
    ],
)
def test_the_defaults_are_those_of_the_command(
    supernet, of_the_command, config
):
    supernet = supernet()
    command = of_the_command(config, supernet, 10)
    search = DARTS(supernet)
    search.compile()
    for name in ("optimizer", "alpha_optimizer"):
        ours, wanted = getattr(search, name), getattr(command, name)
        assert type(ours) is type(wanted)
        assert settings_of(ours) == settings_of(wanted)


def test_a_search_compiled_with_defaults_learns():
    search = DARTS(of_images(), order=1)
    search.compile(alpha_optimizer="adam")
    assert type(search.alpha_optimizer) is keras.optimizers.Adam
    random = np.random.default_rng(0)
    batch = random.normal(size=(8, 4, 4, 1)), np.arange(8) % 3
    pairs = tf.data.Dataset.from_tensors((batch, batch)).repeat(2)
    before = search.supernet.get_weights()
    history = search.fit(pairs, shuffle=False, verbose=0)
    assert np.isfinite(history.history["alpha_loss"]).all()
    moved = [np.any(a != b) for a, b in zip(before, search.get_weights())]
    assert np.mean(moved) > 0.9
