"""Which settings a command takes for which kind of data."""

import dataclasses

from tfdarts.runs.configs import SearchConfig
from tfdarts.runs.configs import SelectConfig
from tfdarts.runs.configs import TrainConfig
from tfdarts.runs.rnn_configs import RNNSearchConfig
from tfdarts.runs.rnn_configs import RNNSelectConfig
from tfdarts.runs.rnn_configs import RNNTrainConfig
from tfdarts.runs.settings import ImageConfig
from tfdarts.runs.settings import RunConfig

SEARCH = {"images": SearchConfig, "texts": RNNSearchConfig}
TRAIN = {"images": TrainConfig, "texts": RNNTrainConfig}
SELECT = {"images": SelectConfig, "texts": RNNSelectConfig}

_SHARED = {"images": ImageConfig, "texts": RunConfig}


def shared_settings(config, kind):
    """Returns what a search and its training have in common, as a dict.

    Args:
        config: The settings of either.
        kind: `"images"` or `"texts"`.
    """
    fields = dataclasses.fields(_SHARED[kind])
    return {field.name: getattr(config, field.name) for field in fields}
