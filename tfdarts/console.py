"""Log output on the terminal."""

import contextlib
import logging
import os
import sys
import time

logger = logging.getLogger("tfdarts")


class ConsoleHandler(logging.StreamHandler):
    """Shows transient records as a progress bar and other records as lines.

    A transient record may have an attribute `progress`, the completed share,
    between 0 and 1. The bar is visible until the next line.

    If the stream is not a terminal, a transient record becomes a line only
    after a period without other lines, so that a log file stays readable.

    Args:
        stream: Stream to write to.
        quiet_seconds: Float, the longest time without a line if the stream is
            not a terminal, seconds.
    """

    def __init__(self, stream, quiet_seconds=30.0):
        super().__init__(stream)
        self.terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
        self.quiet_seconds = quiet_seconds
        self.last_written = time.monotonic()
        self.bar = None

    def emit(self, record):
        transient = not is_lasting(record)
        if transient and self.terminal:
            self._show(self.format(record), getattr(record, "progress", None))
        elif not transient or self._silent_for_long():
            self._write(self.format(record))

    def erase(self):
        """Removes the progress bar."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None

    def _show(self, text, progress):
        if self.bar is None:
            self.bar = _new_bar(self.stream)
            self.bar.add_task(text, total=1)
            self.bar.start()
            # A process may be killed at any time, also for lack of memory.
            # The terminal must then still show its cursor.
            self.bar.console.show_cursor(True)
        self.bar.update(
            self.bar.task_ids[0],
            description=text,
            # The animation of a finished bar stops.
            completed=min(progress or 0, 0.999),
            total=None if progress is None else 1,
        )

    def _silent_for_long(self):
        return time.monotonic() - self.last_written >= self.quiet_seconds

    def _write(self, text):
        self.erase()
        self.last_written = time.monotonic()
        self.stream.write(f"{text}\n")
        self.stream.flush()


@contextlib.contextmanager
def show_progress():
    """Shows tfdarts' log on stderr, unless the user has set up logging.

    Handlers of the user, on the logger "tfdarts" or on the root logger,
    receive all records except step records, which would be one line each.
    Handlers that TensorFlow's absl adds to the root logger do not count.

    Example:

    >>> with show_progress():
    ...     logger.info("search: epoch 1/50")
    """
    if is_lasting in logger.filters or any(
        isinstance(each, ConsoleHandler) for each in logger.handlers
    ):
        yield  # A command, or an outer call of this function, shows the log.
        return
    propagate = logger.propagate
    of_root = propagate and _user_handlers(logging.getLogger())
    logger.propagate = bool(of_root)
    try:
        with (
            _hide_steps()
            if of_root or _user_handlers(logger)
            else _show_on_stderr()
        ):
            yield
    finally:
        logger.propagate = propagate


def _user_handlers(logger):
    """Returns the handlers that the user has added to a logger."""
    return [
        handler
        for handler in logger.handlers
        if "absl" not in type(handler).__module__
        and not _is_bare(logger, handler)
    ]


def _is_bare(logger, handler):
    """Returns whether `logging.basicConfig()` has added a handler.

    absl calls this function when TensorFlow logs, for example when it saves a
    checkpoint.
    """
    return (
        logger is logging.root
        and logger.level == logging.WARNING
        and type(handler) is logging.StreamHandler
        and handler.level == logging.NOTSET
        and getattr(handler.formatter, "_fmt", None) == logging.BASIC_FORMAT
    )


@contextlib.contextmanager
def _show_on_stderr():
    level = logger.level
    console = ConsoleHandler(sys.stderr)
    # A run lowers the level of the logger for its log file.
    console.setLevel(level)
    if level == logging.NOTSET:
        logger.setLevel(logging.INFO)
    logger.addHandler(console)
    try:
        yield
    finally:
        console.erase()
        logger.removeHandler(console)
        logger.setLevel(level)


@contextlib.contextmanager
def _hide_steps():
    logger.addFilter(is_lasting)
    try:
        yield
    finally:
        logger.removeFilter(is_lasting)


def is_lasting(record):
    """Returns whether a record is to be kept; records of steps are not."""
    return not getattr(record, "transient", False)


def _new_bar(stream):
    """Returns a progress bar that is erased at its end; respects NO_COLOR."""
    from rich import progress
    from rich.console import Console
    from rich.table import Column

    return progress.Progress(
        progress.SpinnerColumn("line"),
        progress.TextColumn(
            "{task.description}",
            markup=False,
            table_column=Column(no_wrap=True),
        ),
        progress.BarColumn(bar_width=20),
        console=Console(file=stream),
        refresh_per_second=5,
        transient=True,
        # Keep stdout separate, so that results can be piped.
        redirect_stdout=False,
    )
