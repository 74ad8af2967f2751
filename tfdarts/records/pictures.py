"""Drawing of pictures after a run, whose failure loses no results."""

import contextlib
import logging
import shlex

logger = logging.getLogger("tfdarts")


@contextlib.contextmanager
def optional_pictures(done, advice):
    """Turns an error while drawing into a warning.

    Results are written before their pictures are drawn, so a failed picture
    costs no result.

    Args:
        done: String, the start of a sentence: the work that has succeeded.
        advice: String, a sentence that says how to get the pictures.
    """
    try:
        yield
    except Exception as error:
        logger.warning(
            "%s, but drawing failed (%s: %s). %s",
            *(done, type(error).__name__, error, advice),
        )


def redraw_advice(run_dir):
    """Returns a sentence with the command that draws the pictures of a run.

    Example:

    >>> redraw_advice("my runs/$1")
    "Try again: tfdarts-visualize '--run_dir=my runs/$1'"
    """
    words = ["tfdarts-visualize", f"--run_dir={run_dir}"]
    return f"Try again: {shlex.join(words)}"
