"""What is written to the terminal, and what is kept off it."""

import contextlib
import logging
import os
import sys
import tempfile
import time

ERASE_LINE = "\r\x1b[2K"


def end_line(stream):
    """Erases what a transient record has left on a terminal."""
    if stream.isatty():
        stream.write(ERASE_LINE)


class ConsoleHandler(logging.StreamHandler):
    """Shows transient records in place, on a terminal, all others as lines.

    Elsewhere a transient record becomes a line only when nothing else has
    been said for a while, so that a log file stays readable.

    Args:
        stream: Where to write.
        redraw_seconds: Float, least time between two redraws.
        quiet_seconds: Float, the longest silence where there is no terminal.
    """

    def __init__(self, stream, redraw_seconds=0.2, quiet_seconds=30.0):
        super().__init__(stream)
        self.redraw_seconds = redraw_seconds
        self.quiet_seconds = quiet_seconds
        self.last_written = time.monotonic()

    def emit(self, record):
        terminal = self.stream.isatty()
        transient = getattr(record, "transient", False)
        now = time.monotonic()
        wait = self.redraw_seconds if terminal else self.quiet_seconds
        if transient and now - self.last_written < wait:
            return
        self.last_written = now
        start = ERASE_LINE if terminal else ""
        end = "" if terminal and transient else "\n"
        self.stream.write(f"{start}{self.format(record)}{end}")
        self.stream.flush()


@contextlib.contextmanager
def quiet_start():
    """Keeps what native libraries write to stderr while they load off it.

    TensorFlow's C++ start-up lines obey no setting. If loading fails, what
    was held back is written after all.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held_back:
        os.dup2(held_back.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(kept, 2)
            held_back.seek(0)
            os.write(2, held_back.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
