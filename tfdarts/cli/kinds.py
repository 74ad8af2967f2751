"""Which settings a command takes for which kind of data."""

from tfdarts.cli.command import Command
from tfdarts.cli.command import settings_from_flagfile
from tfdarts.settings.fields import flag_fields
from tfdarts.tasks.configs import SearchConfig
from tfdarts.tasks.configs import SelectConfig
from tfdarts.tasks.configs import TrainConfig
from tfdarts.tasks.rnn_configs import RNNSearchConfig
from tfdarts.tasks.rnn_configs import RNNSelectConfig
from tfdarts.tasks.rnn_configs import RNNTrainConfig
from tfdarts.tasks.settings import ImageConfig
from tfdarts.tasks.settings import RunConfig

SEARCH = {"images": SearchConfig, "texts": RNNSearchConfig}
TRAIN = {"images": TrainConfig, "texts": RNNTrainConfig}
SELECT = {"images": SelectConfig, "texts": RNNSelectConfig}

_SHARED = {"images": ImageConfig, "texts": RunConfig}


def training_of(flagfile, kind, **overrides):
    """Returns the settings of a training out of a flagfile.

    Args:
        flagfile: Path, or `None`: the defaults.
        kind: `"images"` or `"texts"`, what was searched on.
        **overrides: Settings that overrule those in the file.

    Raises:
        ValueError: If the file is missing, holds other flags, or is for the
            other kind.
    """
    if not flagfile:
        return TRAIN[kind](**overrides)
    command = Command("", "", (), {k: (c,) for k, c in TRAIN.items()}, None)
    try:
        _, found = command.parsed([f"--flagfile={flagfile}"])
    except ValueError:
        # It is said below what is wrong with it.
        found = kind
    if found != kind:
        raise ValueError(
            f"{flagfile} is for {found}, and --dataset is of {kind}: give "
            f"another --train_flagfile."
        )
    return settings_from_flagfile(TRAIN[kind], flagfile, **overrides)


def shared_settings(config, kind):
    """Returns what a search and its training have in common, as a dict.

    Args:
        config: The settings of either.
        kind: `"images"` or `"texts"`.
    """
    return {name: getattr(config, name) for name in shared_names(kind)}


def shared_names(kind):
    """Returns the names of what a search and its training have in common."""
    return [field.name for field in flag_fields(_SHARED[kind])]
