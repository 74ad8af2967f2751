"""Log records that show progress during long, silent work."""

import contextlib
import logging
import threading
import time

from tfdarts.duration import format_duration

logger = logging.getLogger("tfdarts")


@contextlib.contextmanager
def heartbeat(what, interval=1.0):
    """Logs what runs inside the context, and the time taken so far.

    Args:
        what: String, such as `"building the graph"`.
        interval: Float, seconds between two records. All but the first are
            transient: a terminal shows them in place, a log only a few.
    """
    logger.info("%s ...", what)
    started = time.monotonic()
    done = threading.Event()

    def beat():
        while not done.wait(interval):
            logger.info(
                "%s, %s so far",
                what,
                format_duration(time.monotonic() - started),
                extra={"transient": True},
            )

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
