"""Sizes of a run that fit into `--max_minutes`, from measured steps."""

import contextlib
import dataclasses
import gc
import logging

from tfdarts.duration import format_duration
from tfdarts.runs.dry_run import dry_run
from tfdarts.tasks.run_data import find_data
from tfdarts.training.distribution import distribution_of

logger = logging.getLogger("tfdarts")

FILLED = 0.8
"""The share of the time that the measured steps may fill."""

MEASURED = 0.15
"""The share of the time after which no larger size is measured."""

SHOWN = (
    *("num_candidates", "epochs", "init_channels", "num_cells", "order"),
    *("batch_size", "image_size"),
)


def choose_sizes(task, config, stage):
    """Returns settings whose run fits into `max_minutes`, and logs them.

    Nothing is chosen without `max_minutes`, with a given number of epochs or
    candidates, or in a run that has finished an epoch: it keeps its sizes.
    The largest size is taken that leaves time for enough epochs.

    Args:
        task: `Task`.
        config: The settings, with the recorded ones of a run that resumes.
        stage: `Stage`, whose clock counts; it records what is chosen.
    """
    length = config.extended_by
    default = type(config).__dataclass_fields__[length].default
    is_given = getattr(config, length) != default
    if not getattr(config, "max_minutes", 0) or is_given or stage.holds_epochs:
        return config
    source = find_data(config)
    count = distribution_of(config.distribute).num_replicas_in_sync
    sizes = task.sizes(config, source, count)
    if sizes is None:
        return config
    limit = 60 * config.max_minutes
    logger.info(
        "%s: measures steps, to choose sizes for --max_minutes=%g",
        *(stage.name, config.max_minutes),
    )
    chosen = None
    for size in sizes.steps:
        if chosen and stage.seconds > MEASURED * limit:
            break
        trial = {**size(sizes.least), "max_minutes": 0.0}
        cost = _measure(dataclasses.replace(config, **trial))
        left = FILLED * limit - stage.seconds - cost["first_step_seconds"]
        each = cost["total_seconds"] - cost["first_step_seconds"]
        number = int(left / (each / sizes.least))
        if chosen and number < sizes.least:
            break
        number = min(max(number, 1), sizes.most)
        chosen, measured = size(number), cost
        if number < 2 * sizes.least:
            break  # A larger size takes more than twice the time.
    stage.chosen = chosen
    logger.info(
        "%s: --max_minutes=%g chooses %s, because a step takes %.2g s here "
        "and an epoch %s",
        *(stage.name, config.max_minutes),
        " ".join(f"--{n}={chosen[n]}" for n in SHOWN if n in chosen),
        measured["step_seconds"],
        format_duration(measured["epoch_seconds"]),
    )
    return dataclasses.replace(config, **chosen)


def _measure(config):
    """Returns the dict of `dry_run`, without its messages."""
    with _silenced():
        cost = dry_run(config)
    gc.collect()  # The graphs of the trial are no longer needed.
    return cost


@contextlib.contextmanager
def _silenced():
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before
