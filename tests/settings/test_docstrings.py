"""`help()` of a config explains every field."""

import dataclasses
import pydoc
import re

import pytest

from tfdarts.tasks import configs
from tfdarts.tasks import rnn_configs

CONFIGS = [
    configs.SearchConfig,
    configs.TrainConfig,
    configs.SelectConfig,
    rnn_configs.RNNSearchConfig,
    rnn_configs.RNNTrainConfig,
    rnn_configs.RNNSelectConfig,
]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.__name__)
def test_help_explains_each_field(config):
    shown = pydoc.render_doc(config, renderer=pydoc.plaintext)
    words = " ".join(shown.replace("|", " ").split())
    for field in dataclasses.fields(config):
        assert " ".join(field.metadata["help"].split()) in words
    _, _, arguments = config.__doc__.partition("\n\nArgs:\n")
    arguments, *_ = arguments.partition("\n\n")
    found = re.findall(r"^    (\w+): ", arguments, flags=re.MULTILINE)
    assert found == [field.name for field in dataclasses.fields(config)]


def test_a_field_has_its_type_range_and_default():
    words = " ".join(configs.SearchConfig.__doc__.split())
    assert (
        "num_nodes: Integer, at least 1. Intermediate nodes of a cell. "
        "Defaults to the number of the space, 4 in darts."
    ) in words
    assert (
        "epochs: Integer, at least 1. Epochs of the search. "
        "--preset=paper: 50; auto: as many"
    ) in words
    assert "momentum: Float, at least 0, below 1. Momentum" in words
    assert "early_stop: String. When" in words
    texts = " ".join(rnn_configs.RNNSearchConfig.__doc__.split())
    assert 'Defaults to `"pydoc"`.' in texts
