"""The command `tfdarts-search`."""

import dataclasses
import sys

from tfdarts.cli.command import Command
from tfdarts.cli.command import next_command
from tfdarts.cli.command import settings_of
from tfdarts.cli.dry_run_flag import DryRun
from tfdarts.cli.dry_run_flag import command_after_inspection
from tfdarts.cli.dry_run_flag import cost_table
from tfdarts.cli.training_flags import TrainFlagfile
from tfdarts.cli.training_flags import given_training
from tfdarts.cli.training_flags import refuse_idle_training
from tfdarts.cli.training_flags import require_bounded_network
from tfdarts.cli.training_flags import shared_settings
from tfdarts.cli.training_flags import training_flags
from tfdarts.cli.training_flags import training_of
from tfdarts.runs.search_configs import search_config_class_of
from tfdarts.settings.conditions import idle_settings
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import setting
from tfdarts.tasks.task_registry import task_of_data


@dataclasses.dataclass(frozen=True)
class DescribeData(Settings):
    """Whether to describe the data instead of searching."""

    describe_data: bool = setting(
        False,
        "Read the whole data set, describe it, and stop. Use it to check "
        "data before a search.",
    )


def run(values):
    """Searches; prints the genotype found and the next command."""
    config_class = search_config_class_of(values, values["task"])
    config = settings_of(config_class, values)
    if values["describe_data"]:
        _describe_data(config)
    if values["dry_run"]:
        unsearched = dataclasses.replace(config, run_dir=None)
        training = _training_of(unsearched, values)
        print(cost_table(config, "search"))
        drawn = ["--genotype=random:0"]
        if config.space != values["task"].space:
            drawn.append(f"--space={config.space}")
        print(_cost_of(training, *drawn))
    if values["describe_data"] or values["dry_run"]:
        words = values["arguments"], DescribeData, DryRun
        print(command_after_inspection("tfdarts-search", config, *words))
    else:
        _search(config, values)


def _search(config, values):
    """Searches; prints the genotype and the command that trains it."""
    following = _training_of(config, values)
    from tfdarts.runs.search import search

    genotype = search(config)
    if genotype is None:
        return  # The chief prints the results.
    print(genotype.to_json(), end="")
    print(_cost_of(following))
    print(following)
    print_warning(config.run_dir)


def print_warning(run_dir):
    """Prints the warning of a search, if any, to stderr, after all else."""
    from tfdarts.records.run_directory import Stage

    warning = Stage(run_dir, "search").status().get("warning")
    if warning:
        print(f"WARNING: {warning}", file=sys.stderr)


def _cost_of(training, *words):
    """Returns the line with the command that measures a training's cost."""
    command = " ".join([training.removeprefix("Next: "), *words, "--dry_run"])
    return f"To predict the cost of the training: {command}"


def _training_of(config, values):
    """Returns the command that trains the genotype found, on its data."""
    train_flagfile, task = values["train_flagfile"], values["task"]
    given = given_training(values)
    words = []
    # The defaults of a command line without these flags.
    default = {"dataset": task_of_data(None).configs["train"].dataset}
    training = training_of(train_flagfile, task, **given)
    refuse_idle_training(training, config, values)
    if train_flagfile:
        words, default = [f"--flagfile={train_flagfile}"], {}
    default = {**shared_settings(training, task), **default}
    shared = shared_settings(config, task)
    training = dataclasses.replace(training, **shared)
    require_bounded_network(config, training)
    idle = idle_settings(dataclasses.fields(training), training, shared)
    flags = {
        name: value
        for name, value in shared.items()
        if value != default[name] and value is not None and name not in idle
    }
    return next_command("tfdarts-train", *words, **given, **flags)


def _describe_data(config):
    from tfdarts.runs.describe_data import describe_data

    print(describe_data(config))


command = Command(
    name="tfdarts-search",
    summary="Searches a cell on your data, by gradient descent (DARTS) or by "
    "the strategy\nthat --strategy names. Flags that begin with train_ do not "
    "change the search: it\ncopies them into the training command that it "
    "prints at its end.",
    settings=lambda task, parts: (
        search_config_class_of(parts, task),
        TrainFlagfile,
        training_flags(task),
        DescribeData,
        DryRun,
    ),
    examples=(
        "tfdarts-search --strategy=random --num_candidates=8 "
        "--run_dir=runs/random",
    ),
    has_strategy=True,
    run=run,
)
main = command.main
