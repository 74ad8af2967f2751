"""The settings of a run that had an effect on its result."""

import types

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
