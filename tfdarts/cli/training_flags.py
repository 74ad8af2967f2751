"""Flags of the training in commands that search first."""

import dataclasses

from tfdarts.arguments import path_text
from tfdarts.cli import kinds
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import flag_fields
from tfdarts.settings.fields import setting

PREFIX = "train_"


@dataclasses.dataclass(frozen=True)
class TrainFlagfile(Settings):
    """How the network of a found cell is to be trained."""

    train_flagfile: str = setting(
        None,
        "File of flags for the training of the network found. Flags that "
        "begin with train_ overrule it.",
        form=path_text,
    )


def training_flags(kind):
    """Returns the settings of a training that it does not share with a search.

    Args:
        kind: `"images"` or `"texts"`.

    Returns:
        Dataclass of `train_epochs` and so on, each `None` unless it is given.
    """
    fields = [
        (
            PREFIX + field.name,
            field.type,
            dataclasses.field(
                default=None,
                metadata={
                    **field.metadata,
                    "help": f"--{field.name} of the training.",
                },
            ),
        )
        for field in flag_fields(kinds.TRAIN[kind])
        if field.name not in (*kinds.shared_names(kind), "genotype")
    ]
    return dataclasses.make_dataclass(
        "TrainingFlags", fields, bases=(Settings,), frozen=True
    )


def given_training(values):
    """Returns the settings of a training that were given, by their names.

    Args:
        values: Dict of the flags' values, and of their `"kind"`.
    """
    names = [f.name for f in dataclasses.fields(training_flags(values["kind"]))]
    return {
        name.removeprefix(PREFIX): values[name]
        for name in names
        if values.get(name) is not None
    }


def stages_of_flags(values):
    """Returns lines that say which stage takes which of the given flags.

    Args:
        values: Dict of the flags' values, of their `"kind"`, and under
            `"given"` the names of those that were typed or in a flagfile.
    """
    taken = {"both stages": [], "the search": [], "the training": []}
    of_training = [TrainFlagfile, training_flags(values["kind"])]
    training = {f.name for c in of_training for f in dataclasses.fields(c)}
    searching = {
        field.name for field in flag_fields(kinds.SEARCH[values["kind"]])
    }
    shared = kinds.shared_names(values["kind"])
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
