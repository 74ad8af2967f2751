"""Set-up and end of the process of a command."""

import contextlib
import io
import logging
import os
import signal
import sys

from tfdarts.cli.errors import Terminated
from tfdarts.cluster import is_chief
from tfdarts.cluster import is_one_of_several
from tfdarts.cluster import wait_for_workers
from tfdarts.cluster import workers
from tfdarts.console import ConsoleHandler
from tfdarts.machine import cpu_cores
from tfdarts.stderr import quiet_stderr

FEW_CORES = 2

logger = logging.getLogger("tfdarts")


def results_of(given, distribute):
    """Returns the context for printing results; only the chief prints them.

    Another worker also gets its own copy of the run directory.

    Args:
        given: Dict of the flags' values.
        distribute: String, the flag of that name.
    """
    if is_chief(distribute):
        return contextlib.nullcontext()
    from tfdarts.runs.workers import copy_of

    if given["run_dir"]:
        given["run_dir"] = copy_of(given["run_dir"])
    return contextlib.redirect_stdout(io.StringIO())


def log_end_of_worker(distribute):
    """Logs the end of a worker that prints no results."""
    if not is_chief(distribute):
        logger.info(
            "worker %d: done; worker 0 has written all results", workers()[1]
        )


def end_worker(code):
    """Ends the process at once if it has joined other workers.

    TensorFlow's threads may still wait for workers that are gone. They
    sometimes crash while Python shuts down, and the exit code is lost.

    Args:
        code: Integer, the exit code of a command that has failed.
    """
    # A command that failed early has not imported TensorFlow.
    distribution = sys.modules.get("tfdarts.training.distribution")
    if distribution is None or not distribution.has_joined_workers():
        return
    from tfdarts.runs.workers import delete_copies

    delete_copies()
    with contextlib.suppress(OSError):
        sys.stderr.flush()
    os._exit(code)


def choose_threads():
    """Gives each operation one thread on few cores, for graphs that are wide.

    Operations that run side by side use all of a few cores. Threads that share
    an operation also wait for each other. Call this before TensorFlow starts.
    A number of threads that the user has chosen is kept.
    """
    if cpu_cores() <= FEW_CORES:
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")


def start_tensorflow(debug, distribute, has_wide_graphs=False):
    """Imports TensorFlow, quietly, and joins the other workers, if any.

    Args:
        debug: Boolean, whether TensorFlow's own messages are shown.
        distribute: String, the flag of that name.
        has_wide_graphs: Boolean, see `tfdarts.Task`.
    """
    if has_wide_graphs:
        choose_threads()
    if is_one_of_several(distribute):
        addresses, index = workers()
        logger.info(
            "worker %d of %s, waiting for the other workers",
            index,
            ", ".join(addresses),
        )
    if not debug:
        # Hides warnings such as TensorFlow's long report when memory runs
        # out; with several workers, also errors about lost workers.
        level = "3" if is_one_of_several(distribute) else "2"
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", level)
    quiet = contextlib.nullcontext if debug else quiet_stderr
    with quiet():
        import keras
        import tensorflow as tf

        from tfdarts.training.distribution import distribution_of
    if is_one_of_several(distribute):
        # Messages about missing workers must be visible.
        wait_for_workers(tuple(addresses), index)
    with quiet():
        # Workers must be joined before TensorFlow does anything else.
        distribution_of(distribute)
        tf.config.list_logical_devices()
    # These override ~/.keras/keras.json.
    keras.config.set_floatx("float32")
    keras.config.set_image_data_format("channels_last")
    # Filtering would remove the libraries' frames from tracebacks, and their
    # errors would look like errors of tfdarts.
    keras.config.disable_traceback_filtering()
    tf.debugging.disable_traceback_filtering()


@contextlib.contextmanager
def prepare(quiet):
    """Sets up logging and SIGTERM, and undoes both at the end.

    Args:
        quiet: Boolean, whether only warnings and errors are logged.

    Yields:
        The console handler.
    """

    def terminate(signal_number, frame):
        raise Terminated

    console = ConsoleHandler(sys.stderr)
    console.setLevel(logging.WARNING if quiet else logging.INFO)
    before = logger.level, logger.propagate, logger.handlers
    logger.setLevel(logging.INFO)
    logger.propagate, logger.handlers = False, [console]
    on_sigterm = signal.signal(signal.SIGTERM, terminate)
    try:
        yield console
    finally:
        signal.signal(signal.SIGTERM, on_sigterm or signal.SIG_DFL)
        logger.setLevel(before[0])
        logger.propagate, logger.handlers = before[1:]


def finish_results():
    """Flushes the remaining results, or drops them.

    Otherwise Python would try again at exit, and change the exit code.
    """
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
