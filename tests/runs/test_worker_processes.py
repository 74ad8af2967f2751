"""Worker processes are replaced when they die, and end with their chief."""

import os
import signal
import time

import numpy as np
import pytest

import tfdarts
from tfdarts.cli.command import settings_of
from tfdarts.cli.search_command import command
from tfdarts.cluster import ClusterError
from tfdarts.cluster import worker_name
from tfdarts.runs import worker_processes
from tfdarts.runs.candidate_search import CandidateSearch
from tfdarts.runs.describe_data import to_recorded_config
from tfdarts.runs.search_configs import search_config_class_of
from tfdarts.runs.worker_processes import WorkerProcesses
from tfdarts.tasks.task_registry import task_of_config


class Chief:
    """A chief that remembers which workers were lost."""

    ended = False

    def __init__(self, had_trial=True):
        self.lost = []
        self.had_trial = had_trial

    def give_back(self, worker):
        self.lost.append(worker)
        return self.had_trial


@pytest.fixture
def started(tmp_path, monkeypatch):
    """Starts processes that run some Python instead of a worker."""

    def start(code, count=1):
        monkeypatch.setattr(worker_processes, "_START", code)
        return WorkerProcesses(["--chief=x"], count, tmp_path / "workers")

    monkeypatch.setattr(worker_processes, "_SECONDS_TO_END", 5)
    return start


def end(process):
    process.kill()
    process.wait()


def test_a_process_that_was_killed_is_replaced(started):
    chief = Chief()
    with (
        pytest.raises(KeyboardInterrupt),
        started("import time; time.sleep(60)", 2) as workers,
    ):
        _, second = workers.processes
        for _ in range(4):
            killed = workers.processes[0]
            end(killed)
            workers.replace_lost(chief)
            assert chief.lost[-1] == worker_name(killed.pid)
            assert workers.processes[0].poll() is None
        assert workers.processes[1] is second and second.poll() is None
        raise KeyboardInterrupt
    assert len(chief.lost) == 4


def test_a_process_that_always_dies_before_it_evaluates_ends_the_search(
    started,
):
    chief = Chief(had_trial=False)
    with started("import os; os.kill(os.getpid(), 9)") as workers:
        with pytest.raises(ClusterError, match="was killed by SIGKILL again "):
            while True:
                workers.processes[0].wait()
                workers.replace_lost(chief)
    assert len(chief.lost) == 3


def test_the_error_of_a_process_is_that_of_the_search(started, tmp_path):
    code = (
        "import sys; print(sys.argv); print('No data.', file=sys.stderr);"
        "sys.exit(3)"
    )
    with started(code) as workers:
        workers.processes[0].wait()
        with pytest.raises(ClusterError) as error:
            workers.replace_lost(Chief())
    log = tmp_path / "workers" / "1.log"
    expected = (
        f"ended with exit code 3. The last line of its log, {log}: No data."
    )
    assert expected in str(error.value)
    assert "['-c', '--chief=x']" in log.read_text()


def test_processes_end_with_the_search(started):
    """Those that know get the time to end; the others are ended."""
    with started("import time; time.sleep(0.3)") as workers:
        pass
    assert workers.processes[0].returncode == 0
    begun = time.monotonic()
    with pytest.raises(OSError), started("import time; time.sleep(60)") as w:
        raise OSError
    assert w.processes[0].returncode == -signal.SIGTERM
    assert time.monotonic() - begun < 5


def test_after_the_end_nobody_is_replaced(started):
    chief = Chief()
    chief.ended = True
    with started("pass") as workers:
        workers.processes[0].wait()
        workers.replace_lost(chief)
    assert not chief.lost


def test_an_interrupt_of_the_terminal_does_not_reach_them(started):
    with started("import time; time.sleep(60)") as workers:
        (process,) = workers.processes
        assert os.getpgid(process.pid) != os.getpgid(0)
        end(process)


def test_workers_are_no_part_of_what_a_run_was_started_with(tmp_path):
    """So a search resumes with any number of them; their flags are whole."""
    config = tfdarts.search_config(
        "nas_rl", num_workers=2, listen="first:1", run_dir=tmp_path / "run"
    )
    search = CandidateSearch(task_of_config(config), config)
    recorded = to_recorded_config(search.config, search.source)
    assert (recorded.num_workers, recorded.listen) == (0, None)
    names = {"--num_workers", "--listen", "--chief"}
    assert {search.agreement[name] for name in names} == {0, None}
    search.directory.mkdir(parents=True)
    program, flagfile, chief = search.worker_command("first:1")
    assert (program, chief) == ("tfdarts-search", "--chief=first:1")
    values, task = command.parse_arguments([flagfile, chief])
    found = settings_of(
        search_config_class_of({"strategy": "nas_rl"}, task),
        {**values.flag_values_dict()},
    )
    worker = CandidateSearch(task, found)
    assert worker.agreement == search.agreement
    assert worker.directory == search.directory.absolute()


def test_what_workers_cannot_do_is_refused(tmp_path):
    pixels, labels = np.zeros((20, 4, 4, 1), "uint8"), [*range(2)] * 10
    config = tfdarts.search_config(
        *("nas_rl",), dataset=(pixels, labels), run_dir=tmp_path / "run"
    )
    search = CandidateSearch(task_of_config(config), config)
    with pytest.raises(ValueError, match="cannot read data in memory: give"):
        search.worker_command("first:1")
    config = tfdarts.search_config("nas_rl", chief="first:1")
    with pytest.raises(ValueError, match="makes a worker of tfdarts-search"):
        tfdarts.pipeline(config, tfdarts.TrainConfig())
    config = tfdarts.search_config("nas_rl", chief="first:1", num_workers=2)
    with pytest.raises(
        ValueError, match="num_workers=2 has no effect with --c"
    ):
        tfdarts.search(config)
    config = tfdarts.search_config(
        "nas_rl", distribute="multiworker", num_workers=2
    )
    with pytest.raises(ValueError, match="has no effect with --distribute=mul"):
        tfdarts.search(config)
