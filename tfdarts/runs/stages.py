"""Runs a stage, such as a search or a training."""

import functools
import logging

from tfdarts.runs.describe_data import to_recorded_config

logger = logging.getLogger("tfdarts")


def run_stage(stage, work, finish):
    """Does the work of a stage, unless the stage is complete.

    Args:
        stage: `Stage`.
        work: Object with the `config`, in which settings that follow from the
            data are set, and with `source`, `distribution` and `derived`.
        finish: Function of `work` and `stage`.
    """
    stage.replicas = work.distribution.num_replicas_in_sync
    begin = functools.partial(
        stage.begin,
        to_recorded_config(work.config, work.source),
        fingerprint=work.source.fingerprint,
        **work.derived,
    )
    if stage.is_complete(work.config):
        begin()
        logger.info("%s: already finished, in %s", stage.name, stage.path)
        return
    with stage.running():
        begin()
        finish(work, stage)
