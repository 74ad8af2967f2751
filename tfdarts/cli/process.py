"""What the process of a command begins and ends with."""

import contextlib
import io
import logging
import os
import signal
import sys

from tfdarts.cli.errors import Terminated
from tfdarts.cluster import is_follower
from tfdarts.cluster import is_of_many
from tfdarts.cluster import wait_for_others
from tfdarts.cluster import workers
from tfdarts.console import ConsoleHandler
from tfdarts.stderr import quiet_stderr

logger = logging.getLogger("tfdarts")


def results_of(given, distribute):
    """Returns where results are written: of a follower, nowhere.

    A follower also gets a copy of the run directory as its own.

    Args:
        given: Dict of the flags' values.
        distribute: String, the flag of that name.
    """
    if not is_follower(distribute):
        return contextlib.nullcontext()
    from tfdarts.runs.workers import copy_of

    if given["run_dir"]:
        given["run_dir"] = copy_of(given["run_dir"])
    return contextlib.redirect_stdout(io.StringIO())


def say_who_wrote(distribute):
    """Says of a follower, which shows no results, that it has ended well."""
    if is_follower(distribute):
        logger.info(
            "worker %d: done; worker 0 has written all there is", workers()[1]
        )


def start_tensorflow(debug, distribute):
    """Imports TensorFlow, quietly, and joins the other workers, if any.

    Args:
        debug: Boolean, whether its own words are shown.
        distribute: String, the flag of that name.
    """
    if is_of_many(distribute):
        addresses, index = workers()
        logger.info(
            "worker %d of %s, waiting for the others",
            index,
            ", ".join(addresses),
        )
    if not debug:
        # Its warnings while it runs, such as a page on how memory was used
        # when there is no more of it; of workers that are gone, its errors.
        level = "3" if is_of_many(distribute) else "2"
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", level)
    quiet = contextlib.nullcontext if debug else quiet_stderr
    with quiet():
        import keras
        import tensorflow as tf

        from tfdarts.training.distribution import distribution_of
    if is_of_many(distribute):
        # What it says must be seen.
        wait_for_others(tuple(addresses), index)
    with quiet():
        # Processes must be joined before TensorFlow does anything else.
        distribution_of(distribute)
        tf.config.list_logical_devices()
    # A command has its own, whatever ~/.keras/keras.json has.
    keras.config.set_floatx("float32")
    keras.config.set_image_data_format("channels_last")
    # They would take their own frames out of tracebacks, and an error of
    # theirs would look like one of ours.
    keras.config.disable_traceback_filtering()
    tf.debugging.disable_traceback_filtering()


def prepare(quiet):
    """Sets up the log and SIGTERM; returns the handler of the console."""
    console = ConsoleHandler(sys.stderr)
    console.setLevel(logging.WARNING if quiet else logging.INFO)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.handlers = [console]

    def terminate(signal_number, frame):
        raise Terminated

    signal.signal(signal.SIGTERM, terminate)
    return console


def finish_results():
    """Writes what is left of the results, or drops it.

    Python would try once more as it ends, and change the exit code.
    """
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
