"""The settings of a run that have an effect."""

import types

from tfdarts.settings.conditions import idle_settings
from tfdarts.settings.conditions import unmet_conditions
from tfdarts.settings.fields import flag_fields

WITHOUT_EFFECT = ("prepare", "tensorboard", "num_workers", "listen", "chief")
"""Settings that do not change the result, or only by the order of trials."""


def settings_with_effect(config_class, settings):
    """Returns the settings of a run that had an effect on it.

    Settings without effect beside the others, such as the depth of a network
    that is not used, and switches that are off are left out.

    Args:
        config_class: The dataclass of the settings.
        settings: Dict, the recorded settings of a run.

    Example:

    >>> from tfdarts.tasks.configs import TrainConfig
    >>> settings = {**vars(TrainConfig(schedule="steps")), "cutout_length": 8}
    >>> used = settings_with_effect(TrainConfig, settings)
    >>> [name in used for name in ("decay_rate", "depth", "cutout_length")]
    [False, False, True]
    """
    fields = flag_fields(config_class)
    defaults = {field.name: field.default for field in fields}
    beside = types.SimpleNamespace(**{**defaults, **settings})
    return {
        field.name: settings[field.name]
        for field in fields
        if field.name in settings
        and field.name not in (*WITHOUT_EFFECT, "run_dir")
        and not unmet_conditions(field, beside)
        and (settings[field.name] or field.name == "seed")
        and settings[field.name] not in ("none", "auto")
    }


def flag_lines(config, without=()):
    """Returns the lines of a flagfile that gives the settings of a run.

    Settings that a preset has chosen, but that have no effect beside the
    others, are left out: a command refuses them where they are given.

    Args:
        config: Dataclass of settings.
        without: Names of settings to leave out.

    Example:

    >>> from tfdarts.tasks.configs import TrainConfig
    >>> "--epochs=3" in flag_lines(TrainConfig(epochs=3))
    True
    """
    fields = flag_fields(config)
    idle = idle_settings(fields, config)
    return [
        f"--{field.name}={value}"
        for field in fields
        if field.name not in (*idle, *without)
        and (value := getattr(config, field.name)) is not None
    ]
