"""Worker processes on the machine of their chief."""

import contextlib
import os
import signal
import subprocess
import sys
import time

from tfdarts.cluster import ClusterError
from tfdarts.cluster import worker_name

MOST_DEATHS = 3
"""A worker process may die so often in a row before it has a candidate."""

_SECONDS_TO_END = 20
_START = (
    "import sys; from tfdarts.cli.search_command import main; sys.exit(main())"
)


class WorkerProcesses:
    """The context of worker processes, which end with it.

    What a process says is in `<number>.log` of the directory.

    Args:
        flags: List of strings, the flags of each worker.
        count: Integer, the number of processes.
        directory: Path of the logs.
    """

    def __init__(self, flags, count, directory):
        self.flags = flags
        self.count = count
        self.directory = directory
        self.processes = []
        self.deaths = [0] * count

    def __enter__(self):
        self.processes = [self._start(n) for n in range(self.count)]
        return self

    def __exit__(self, kind, *exception):
        ends = [subprocess.Popen.terminate, subprocess.Popen.kill]
        if kind is None:
            # They know that the search has ended.
            ends.insert(0, subprocess.Popen.poll)
        for end in ends:
            for process in self.processes:
                end(process)
            if self._have_ended():
                return

    def replace_lost(self, chief):
        """Starts a new process for each one that died.

        Args:
            chief: `Chief`, which gets the candidates of lost workers back.

        Raises:
            ClusterError: If a process has ended by an error, or dies again
                and again before it evaluates anything.
        """
        for number, process in enumerate(self.processes):
            code = process.poll()
            if code is None or chief.ended:
                continue
            had_trial = chief.give_back(worker_name(process.pid))
            self.deaths[number] = 0 if had_trial else self.deaths[number] + 1
            if code >= 0 or self.deaths[number] >= MOST_DEATHS:
                raise self._failure(number, code)
            self.processes[number] = self._start(number)

    def _start(self, number):
        self.directory.mkdir(parents=True, exist_ok=True)
        with self._log(number).open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-c", _START, *self.flags],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C is for the chief, which then ends its workers.
                start_new_session=True,
            )

    def _log(self, number):
        return self.directory / f"{number + 1}.log"

    def _failure(self, number, code):
        text = self._log(number).read_text(errors="backslashreplace")
        *_, last = text.strip().splitlines() or ["nothing"]
        how = f"ended with exit code {code}"
        if code < 0:
            how = f"was killed by {signal.Signals(-code).name} again and again"
        return ClusterError(
            f"A worker process {how}. The last line of its log, "
            f"{os.fspath(self._log(number))}: {last}"
        )

    def _have_ended(self):
        """Waits for the processes; returns whether all have ended."""
        limit = time.monotonic() + _SECONDS_TO_END
        for process in self.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0, limit - time.monotonic()))
        return all(p.returncode is not None for p in self.processes)
