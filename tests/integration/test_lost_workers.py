"""A search with worker processes that are killed, and then its chief."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tfdarts.records.trials import read_trials

COMMAND = (
    "import sys; from tfdarts.cli.search_command import main; sys.exit(main())"
)
FLAGS = [
    *("--strategy=evolution", "--num_candidates=4", "--population=2"),
    *("--dataset=digits", "--epochs=1", "--batch_size=256", "--num_cells=3"),
    *("--init_channels=2", "--num_nodes=1", "--auxiliary_weight=0"),
    *("--drop_path_rate=0", "--num_workers=2", "--run_dir=run"),
    # Most of the time is the building of graphs.
    "--primitives=max_pool_3x3,avg_pool_3x3,skip_connect",
]


@pytest.fixture
def search(tmp_path):
    """Starts the command; kills what a test that failed leaves running."""
    started = []

    def start(*flags):
        log = tmp_path / f"log{len(started)}.txt"
        with log.open("w") as file:
            process = subprocess.Popen(
                [sys.executable, "-c", COMMAND, *FLAGS, *flags],
                cwd=tmp_path,
                stdout=subprocess.DEVNULL,
                stderr=file,
            )
        started.append(process)
        return process, log

    yield start
    for process in started:
        process.kill()
        process.wait()


def until(condition, log, seconds=240):
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, log.read_text()
        time.sleep(0.05)


@pytest.mark.slow
def test_killed_workers_and_a_killed_chief_lose_nothing(search, tmp_path):
    path = tmp_path / "run" / "search"
    chief, log = search()
    begins = re.compile(r"worker \S+-(\d+) evaluates candidate 1 of 4")
    until(lambda: begins.search(log.read_text()), log)
    workers = [str(p.pid) for p in psutil.Process(chief.pid).children()]
    lost = begins.search(log.read_text())[1]
    assert len(workers) == 2 and lost in workers
    os.kill(int(lost), signal.SIGKILL)
    until(
        lambda: "is lost; another evaluates candidate 1" in log.read_text(), log
    )
    until(lambda: len(read_trials(path)) >= 2, log)
    workers = psutil.Process(chief.pid).children()
    assert len(workers) == 2
    chief.kill()
    chief.wait()
    done = len(read_trials(path))
    assert done < 4
    # While the workers of the first chief still end.
    chief, log = search()
    _, left = psutil.wait_procs(workers, timeout=120)
    assert not left
    logs = [path / "workers" / f"{number}.log" for number in (1, 2)]
    assert any("is gone, and this" in each.read_text() for each in logs)
    assert chief.wait(240) == 0, log.read_text()
    assert f"resuming after candidate {done}" in log.read_text()
    trials = read_trials(path)
    assert len(trials) == 4 and not any(t.has_diverged for t in trials)
    state = json.loads((path / "oracle" / "oracle.json").read_text())
    assert sorted(state["end_order"]) == state["start_order"]
    assert len(state["start_order"]) == 4
    assert (tmp_path / "run" / "genotype.json").exists()
    assert (path / "candidates.png").exists()
