"""The data set of a run, recorded and described."""

import dataclasses

from tfdarts.runs.search_configs import all_search_configs
from tfdarts.settings.fields import WITHOUT_EFFECT
from tfdarts.settings.fields import require_config
from tfdarts.tasks.registry import config_classes
from tfdarts.tasks.registry import task_of_config


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
    classes = config_classes("train", "select")
    require_config("describe_data", config, *all_search_configs(), *classes)
    return task_of_config(config).describe_data(config)
