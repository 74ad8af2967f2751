"""What is written to the terminal."""

import logging
import os
import time


class ConsoleHandler(logging.StreamHandler):
    """Shows transient records as a bar, on a terminal, all others as lines.

    A transient record may have an attribute `progress`, the share that is
    done, between 0 and 1. The bar stands until the next line.

    Elsewhere a transient record becomes a line only when nothing else has
    been said for a while, so that a log file stays readable.

    Args:
        stream: Where to write.
        quiet_seconds: Float, the longest silence where there is no terminal.
    """

    def __init__(self, stream, quiet_seconds=30.0):
        super().__init__(stream)
        self.terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
        self.quiet_seconds = quiet_seconds
        self.last_written = time.monotonic()
        self.bar = None

    def emit(self, record):
        transient = getattr(record, "transient", False)
        if transient and self.terminal:
            self._show(self.format(record), getattr(record, "progress", None))
        elif not transient or self._silent_for_long():
            self._write(self.format(record))

    def erase(self):
        """Takes the bar away."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None

    def _show(self, text, progress):
        if self.bar is None:
            self.bar = _new_bar(self.stream)
            self.bar.add_task(text, total=1)
            self.bar.start()
            # Whatever ends this process, a kill for want of memory too, the
            # terminal must not be left without its cursor.
            self.bar.console.show_cursor(True)
        self.bar.update(
            self.bar.task_ids[0],
            description=text,
            # A finished bar would stand still.
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


def _new_bar(stream):
    """Returns a bar that leaves nothing behind; colours heed NO_COLOR."""
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
        # Results go where they were sent, not where the bar is.
        redirect_stdout=False,
    )
