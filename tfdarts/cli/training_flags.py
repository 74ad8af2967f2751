"""Flags of the training in commands that search first."""

import dataclasses
import functools

from tfdarts.arguments import path_text
from tfdarts.cli.command import Command
from tfdarts.cli.command import settings_from_flagfile
from tfdarts.evaluators.evaluator import FROM_SCRATCH
from tfdarts.runs.search_configs import search_config_class_of
from tfdarts.settings.conditions import refuse_idle_settings
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import flag_fields
from tfdarts.settings.fields import setting
from tfdarts.settings.part_checks import TRAINING_PREFIX


@dataclasses.dataclass(frozen=True)
class TrainFlagfile(Settings):
    """Settings for training the network of a found cell."""

    train_flagfile: str = setting(
        None,
        "File of flags for the training of the network found. Flags that "
        "begin with train_ override it.",
        form=path_text,
    )


@functools.cache
def training_flags(task):
    """Returns the settings of a training that a search does not share.

    Args:
        task: `Task`.

    Returns:
        Dataclass of `train_epochs` and so on, each `None` unless it is given.
    """
    own = [
        field
        for field in flag_fields(task.configs["train"])
        if field.name not in (*_shared_names(task), "genotype", "space")
    ]
    names = {field.name: TRAINING_PREFIX + field.name for field in own}
    fields = [
        (
            names[field.name],
            field.type,
            dataclasses.field(
                default=None,
                metadata={
                    **field.metadata,
                    "help": f"--{field.name} of the training.",
                    **{
                        key: {
                            names.get(name, name): wanted
                            for name, wanted in field.metadata[key].items()
                        }
                        for key in ("when", "when_typed")
                    },
                },
            ),
        )
        for field in own
    ]
    return dataclasses.make_dataclass(
        "TrainingFlags", fields, bases=(Settings,), frozen=True
    )


def given_training(values):
    """Returns the given settings of a training, by their names.

    Args:
        values: Dict of the flags' values, and of their `"task"`.
    """
    names = [f.name for f in dataclasses.fields(training_flags(values["task"]))]
    return {
        name.removeprefix(TRAINING_PREFIX): values[name]
        for name in names
        if values.get(name) is not None
    }


def stages_of_flags(values):
    """Returns lines that list the given flags of each stage.

    Args:
        values: Dict of the flags' values, of their `"task"`, and under
            `"given"` the names of flags that were typed or in a flagfile.
    """
    taken = {"both stages": [], "the search": [], "the training": []}
    of_training = [TrainFlagfile, training_flags(values["task"])]
    training = {f.name for c in of_training for f in dataclasses.fields(c)}
    searching = {
        field.name
        for field in flag_fields(search_config_class_of(values, values["task"]))
    }
    shared = _shared_names(values["task"])
    for name in values["given"]:
        if name in training:
            stage = "the training"
        elif name in shared:
            stage = "both stages"
        elif name in searching:
            stage = "the search"
        else:
            continue
        taken[stage].append(f"--{name}={values[name]}")
    return [
        f"flags of {stage}: {' '.join(flags)}"
        for stage, flags in taken.items()
        if flags
    ]


def training_of(flagfile, task, **overrides):
    """Returns the settings of a training from a flagfile.

    Args:
        flagfile: Path, or `None` for the defaults.
        task: `Task` of the search.
        **overrides: Settings that override those in the file.

    Raises:
        ValueError: If the file is missing, holds other flags, or is for
            another task.
    """
    config_class = task.configs["train"]
    if not flagfile:
        return config_class(**overrides)
    command = Command("", "", lambda task: (task.configs["train"],), None)
    try:
        _, found = command.parse_arguments([f"--flagfile={flagfile}"])
    except ValueError:
        # The call at the end of this function reports the error.
        found = task
    if found is not task:
        raise ValueError(
            f"{flagfile} is for {found.name}, but --dataset holds "
            f"{task.name}: give another --train_flagfile."
        )
    return settings_from_flagfile(config_class, flagfile, **overrides)


def refuse_idle_training(training, config, values):
    """Raises `ValueError` if `tfdarts-train` would refuse the settings.

    Args:
        training: The settings of the training.
        config: The settings of the search.
        values: Dict of the flags' values, of their `"task"`, and under
            `"typed"` the names of the typed flags.
    """
    task = values["task"]
    typed = {
        name.removeprefix(TRAINING_PREFIX)
        for name in values["typed"]
        if name.startswith(TRAINING_PREFIX)
    }
    try:
        training = dataclasses.replace(
            training, **shared_settings(config, task)
        )
        refuse_idle_settings(dataclasses.fields(training), training, typed)
    except ValueError as error:
        raise ValueError(
            f"In the training, whose own flags begin with --train_: {error}"
        ) from error


_SIZES = ("init_channels", "num_cells", "channel_multiplier", "crop_size")
"""The settings that change what a network of cells costs."""


def require_bounded_network(config, training):
    """Raises `ValueError` if bounds are not those of the training's network.

    Args:
        config: The settings of the search.
        training: The settings of the training.
    """
    if not getattr(config, "network_limits", None):
        return
    bounded = config
    if getattr(config, "evaluator", None) != FROM_SCRATCH:
        bounded = type(training)()
    for name in _SIZES:
        own, trained = getattr(bounded, name), getattr(training, name)
        if own != trained:
            flag = f"--{TRAINING_PREFIX}{name}"
            advice = f"give {flag}={own}"
            if own in (None, training.__dataclass_fields__[name].default):
                advice = f"leave {flag} out"
                if bounded is config:
                    advice += f", or give --{name}={trained} too"
            raise ValueError(
                "The bounds are of the network that the training builds, and "
                f"the search would count another one, with another --{name}: "
                f"{advice}."
            )


def shared_settings(config, task):
    """Returns the settings that a search and its training share, a dict.

    Args:
        config: The settings of the search or the training.
        task: `Task`.
    """
    return {name: getattr(config, name) for name in _shared_names(task)}


def _shared_names(task):
    return [field.name for field in flag_fields(task.shared_config)]
