"""Recording and describing the data set of a run."""

import dataclasses
from typing import Any

from tfdarts.runs.search_configs import all_search_configs
from tfdarts.settings.effect import WITHOUT_EFFECT
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import require_config
from tfdarts.tasks.task_registry import config_classes
from tfdarts.tasks.task_registry import task_of_config


def to_recorded_config(config, source):
    """Returns a config in the form that a run directory stores.

    Settings that do not change the result are reset, so that a run can be
    resumed without them.
    """
    reset = {
        field.name: field.default
        for field in dataclasses.fields(config)
        if field.name in (*WITHOUT_EFFECT, "recompute")
    }
    return dataclasses.replace(
        config, dataset=source.name, distribute="none", **reset
    )


def describe_data(config: Settings) -> dict[str, Any]:
    """Returns lines that describe a data set, after reading all of it.

    Args:
        config: `tfdarts.tasks.shared_settings.RunConfig`.

    Raises:
        DataError: If anything in the data set cannot be used.
    """
    classes = config_classes("train", "select")
    require_config("describe_data", config, *all_search_configs(), *classes)
    return task_of_config(config).describe_data(config)
