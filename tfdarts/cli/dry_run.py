"""What a search or a training would cost."""

import dataclasses

from tfdarts.runs.fields import Settings
from tfdarts.runs.fields import setting


@dataclasses.dataclass(frozen=True)
class DryRun(Settings):
    """Whether to measure instead of computing."""

    dry_run: bool = setting(
        False,
        "Do one step of everything, say what all of it would cost on this "
        "machine, and leave nothing.",
    )


def costs(config, name):
    """Returns a table of what `tfdarts.runs.dry_run` measures.

    Args:
        config: The settings of a search or a training.
        name: String, `"search"` or `"training"`.
    """
    from tfdarts.runs.dry_run import dry_run
    from tfdarts.runs.duration import duration

    cost = dry_run(config)
    return (
        f"First step   {duration(cost['first_step_seconds'])}, with the "
        f"building of the graphs\n"
        f"A step       {cost['step_seconds']:.3g} s\n"
        f"An epoch     {duration(cost['epoch_seconds'])}, "
        f"{cost['steps_per_epoch']:,} steps and the validation\n"
        f"{f'The {name}':<12} {duration(cost['total_seconds'])}, "
        f"{cost['epochs']:,} epochs\n"
        f"Memory       {cost['memory_bytes'] / 1e9:.2f} GB\n"
        f"Waiting      {cost['data_wait']:.1%} of a step, for data"
    )


def without(arguments, *settings):
    """Returns the words of a command line without some switches.

    Args:
        arguments: List of strings.
        *settings: Dataclasses whose fields are the switches.
    """
    names = [field.name for s in settings for field in dataclasses.fields(s)]
    return [w for w in arguments if w.strip("-").split("=")[0] not in names]
