"""Asking an exported model or a server, with retries."""

import logging

import tenacity

from tfdarts.serving.clients import Unavailable
from tfdarts.serving.connection import client_of

logger = logging.getLogger("tfdarts")


def client_for(settings):
    """Returns the client of a model or of a server.

    Args:
        settings: `tfdarts.tasks.request_settings.RequestSettings`.
    """
    return client_of(
        settings.export_dir,
        settings.server,
        settings.name,
        settings.model_version,
        settings.timeout,
    )


def with_retries(ask, retries):
    """Returns a function that retries while the server is unavailable."""
    return tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(Unavailable),
        stop=tenacity.stop_after_attempt(retries + 1),
        wait=tenacity.wait_exponential(0.25, max=8)
        + tenacity.wait_random(0, 0.25),
        before_sleep=_log_reason,
        reraise=True,
    ).wraps(ask)


def _log_reason(state):
    logger.warning(
        "predict: %s Trying again in %.1f s.",
        state.outcome.exception(),
        state.next_action.sleep,
    )
