"""The time that `--max_minutes` gives a stage, and what is said at its end."""

import logging

from tfdarts.records.run_directory import OUT_OF_TIME
from tfdarts.replicas import worker_of
from tfdarts.training.time_limit import TimeLimit

logger = logging.getLogger("tfdarts")


def time_limit_of(stage, config, distribution):
    """Returns the `TimeLimit` of a stage.

    Args:
        stage: `Stage`, whose clock counts.
        config: The settings of the stage.
        distribution: `tf.distribute.Strategy`.

    Raises:
        ValueError: If the stage has a limit and several processes.
    """
    minutes = getattr(config, "max_minutes", 0)
    if minutes and worker_of(distribution)[1] > 1:
        raise ValueError(
            "--max_minutes would end each worker after another step, and the "
            "workers must take the same steps: leave --max_minutes out, or "
            "give --distribute=none or mirrored."
        )
    return TimeLimit(60 * minutes, lambda: stage.seconds)


def report_finished(stage, out_of_time, done, config, **details):
    """Writes that a stage has finished; logs it if its time was up.

    Args:
        stage: `Stage`.
        out_of_time: Boolean, whether `--max_minutes` has ended the stage.
        done: String, what the result is.
        config: The settings of the stage.
        **details: See `Stage.report`.
    """
    if out_of_time:
        details |= {OUT_OF_TIME: config.max_minutes, "seconds": stage.seconds}
        logger.info(
            "%s: ended after %.2f minutes, because of --max_minutes=%g: %s. "
            "To continue, run the same command with a larger --max_minutes.",
            *(stage.name, stage.seconds / 60, config.max_minutes, done),
        )
    stage.report("finished", **details)
