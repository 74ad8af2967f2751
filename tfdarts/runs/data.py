"""The data set of a run, recorded and described."""

import dataclasses

from tfdarts.data.class_balance import class_warnings
from tfdarts.data.class_balance import count_classes
from tfdarts.data.class_balance import count_table
from tfdarts.data.texts import open_text_source
from tfdarts.settings.fields import WITHOUT_EFFECT
from tfdarts.settings.fields import require_config
from tfdarts.tasks.configs import SearchConfig
from tfdarts.tasks.configs import SelectConfig
from tfdarts.tasks.configs import TrainConfig
from tfdarts.tasks.data import find_data
from tfdarts.tasks.rnn_configs import RNNConfig
from tfdarts.tasks.rnn_configs import RNNSearchConfig
from tfdarts.tasks.rnn_configs import RNNSelectConfig
from tfdarts.tasks.rnn_configs import RNNTrainConfig


def recorded(config, source):
    """Returns a config as a run directory keeps it.

    What does not change the result is left out: a run may go on without it.
    """
    names = {field.name for field in dataclasses.fields(config)}
    without_effect = names & {*WITHOUT_EFFECT, "recompute"}
    return dataclasses.replace(
        config,
        dataset=source.name,
        distribute="none",
        **dict.fromkeys(without_effect, False),
    )


def describe_data(config):
    """Returns lines that say what a data set is; all of it is read for them.

    Args:
        config: `tfdarts.tasks.settings.RunConfig`.

    Raises:
        DataError: If anything in it cannot be used.
    """
    require_config(
        "describe_data",
        config,
        *(SearchConfig, TrainConfig, SelectConfig),
        *(RNNSearchConfig, RNNTrainConfig, RNNSelectConfig),
    )
    if isinstance(config, RNNConfig):
        source = open_text_source(config.dataset, config.prepare)
        return "\n".join([*source.describe(), *source.warnings])
    source = find_data(config)
    lines = [*source.describe()]
    counts = {
        split: count_classes(source.read(split)[1], source.class_names)
        for split in source.splits
    }
    lines.append(count_table(counts, source.class_names))
    mirrored = {"on": True, "off": False}.get(
        config.random_flip, source.random_flip
    )
    lines.append(
        f"training images are {'' if mirrored else 'not '}mirrored at random "
        f"(--random_flip={config.random_flip})"
    )
    lines += class_warnings(counts, source.class_names, config.class_weights)
    return "\n".join(lines)
