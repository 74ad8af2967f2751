"""Measuring the cost of a search or a training by a dry run."""

import dataclasses

from tfdarts.cli.command import next_command
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import setting
from tfdarts.tasks.task_registry import task_of_config


@dataclasses.dataclass(frozen=True)
class DryRun(Settings):
    """Whether to measure the cost instead of computing."""

    dry_run: bool = setting(
        False,
        "Run one step of everything, print the predicted cost on this "
        "machine, and write no files.",
    )


def cost_table(config, name):
    """Returns a table of the measurements of `tfdarts.runs.dry_run`.

    Args:
        config: The settings of a search or a training.
        name: String, `"search"` or `"training"`.
    """
    from tfdarts.duration import format_duration
    from tfdarts.runs.dry_run import dry_run

    cost = dry_run(config)
    steps, epochs = cost["steps_per_epoch"], cost["epochs"]
    later = "".join(
        f"{f'Stage {number}':<12} {each['step_seconds']:.3g} s a step, "
        f"{format_duration(each['epoch_seconds'])} an epoch\n"
        for number, each in enumerate(cost.get("stages", [])[1:], start=2)
    )
    return (
        f"First step   {format_duration(cost['first_step_seconds'])}, with the "
        f"building of the graphs\n"
        f"A step       {cost['step_seconds']:.3g} s\n"
        f"An epoch     {format_duration(cost['epoch_seconds'])}, "
        f"{steps:,} step{'s' * (steps > 1)} and the validation\n"
        f"{later}"
        f"{f'The {name}':<12} {format_duration(cost['total_seconds'])}, "
        f"{epochs:,} epoch{'s' * (epochs > 1)}\n"
        f"Memory       {cost['memory_bytes'] / 1e9:.2f} GB\n"
        f"Waiting      {cost['data_wait']:.1%} of a step, for data"
    )


def command_after_inspection(program, config, arguments, *settings):
    """Returns the line with the command to run after an inspection.

    Args:
        program: String, the command.
        config: The settings of a search or a training.
        arguments: List of strings, as typed.
        *settings: Dataclasses whose fields are switches to leave out.
    """
    names = [field.name for s in settings for field in dataclasses.fields(s)]
    words = [w for w in arguments if w.strip("-").split("=")[0] not in names]
    if not config.run_dir:
        name = task_of_config(config).data_name(config.dataset)
        words.append(f"--run_dir=runs/{name}")
    return next_command(program, *words)
