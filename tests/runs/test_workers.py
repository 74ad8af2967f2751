"""A follower works in a copy, and all workers agree first."""

import dataclasses
import pathlib

import numpy as np
import pytest

from tfdarts.cluster import ClusterError
from tfdarts.runs import workers
from tfdarts.runs.configs import SearchConfig
from tfdarts.runs.workers import SameOnAllWorkers
from tfdarts.runs.workers import copy_of
from tfdarts.runs.workers import own_run_dir
from tfdarts.runs.workers import require_agreement
from tfdarts.training.devices import Replicas

FIRST, SECOND = (Replicas(worker=w, num_workers=2) for w in (0, 1))


@pytest.fixture
def run_dir(tmp_path):
    run_dir = tmp_path / "run"
    for path in ("search/status.json", "export/digits/1/model.pb"):
        (run_dir / path).parent.mkdir(parents=True)
        (run_dir / path).write_text("{}")
    (run_dir / "search" / ".status.json.1.partial").write_text("{")
    return run_dir


@pytest.fixture
def met(monkeypatch):
    """How often the workers have met, which they cannot here."""
    times = []
    monkeypatch.setattr(
        workers,
        "require_agreement",
        lambda replicas, **facts: times.append(facts),
    )
    return times


def test_the_first_writes_where_it_is_told(run_dir, met):
    assert own_run_dir(run_dir, Replicas()) == run_dir
    assert not met
    assert own_run_dir(run_dir, FIRST, one=1) == run_dir
    assert len(met) == 1 and met[0]["one"] == 1
    assert {"what --run_dir holds", "the version of Keras"} < {*met[0]}


def test_the_others_get_a_copy_once(run_dir, met):
    copy = own_run_dir(str(run_dir), SECOND)
    assert copy != str(run_dir) and copy.endswith("/run")
    path = pathlib.Path(copy)
    files = [p.relative_to(path) for p in path.rglob("*") if p.is_file()]
    assert list(map(str, files)) == ["search/status.json"]
    (path / "search" / "status.json").write_text("{1}")
    assert own_run_dir(run_dir, SECOND) == copy
    assert own_run_dir(copy, SECOND) == copy
    assert copy_of(f"{copy}/seed0") == f"{copy}/seed0"
    assert (run_dir / "search" / "status.json").read_text() == "{}"
    assert len(met) == 3
    assert own_run_dir(None, SECOND) is None


def held(run_dir):
    return str(workers._held(run_dir))


def test_how_far_a_run_has_come_is_compared(run_dir):
    begun = held(run_dir)
    assert begun == held(str(run_dir))
    checkpoints = run_dir / "search" / "checkpoints"
    checkpoints.mkdir()
    (checkpoints / "ckpt-1.index").touch()
    later = held(run_dir)
    (run_dir / "search" / "status.json").write_text('{"state": "finished"}')
    assert len({begun, later, held(run_dir)}) == 3
    assert workers._held(None) is None


@pytest.fixture
def met_by(monkeypatch):
    """Lets this worker meet one of other facts."""

    def meet(**theirs):
        rows = []
        monkeypatch.setattr(
            workers,
            "_gathered",
            lambda replicas, numbers: (
                rows.append(numbers) or np.array([numbers] * 2)
            ),
        )
        require_agreement(SECOND, **theirs)
        others = iter(rows)

        def gathered(replicas, numbers):
            return np.array([next(others), numbers])

        monkeypatch.setattr(workers, "_gathered", gathered)

    return meet


MINE = {"--seed": 0, "--order": 1, "the weights": [np.ones(2), np.zeros(3)]}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"--seed": 1}, "--seed."),
        ({"--seed": 1, "--order": 2}, "--seed, --order."),
        ({"the weights": [np.ones(2), np.ones(3)]}, "the weights."),
        ({"--units": 3}, "which command and settings there are."),
    ],
)
def test_workers_that_differ_are_told_in_what(met_by, change, said):
    met_by(**{**MINE, **change})
    with pytest.raises(ClusterError, match=f"do not agree on {said} Start"):
        require_agreement(SECOND, **MINE)


class Model:
    stop_training = False


def at_the_end_of_an_epoch(replicas, weights, stop=False):
    callback = SameOnAllWorkers(replicas, weights)
    callback.set_model(Model())
    callback.model.stop_training = stop
    callback.on_epoch_end(4)


@pytest.mark.parametrize(
    "change", ["what a checkpoint keeps", "whether to stop", None]
)
def test_workers_that_come_apart_are_ended(monkeypatch, change):
    """Before a checkpoint keeps it: `ours` and `theirs` are two processes."""
    ours, theirs = ([np.ones(2), np.zeros(3)] for _ in range(2))
    if change == "what a checkpoint keeps":
        theirs[1][2] = 1e-20
    rows = []

    def gathered(replicas, numbers):
        rows.append(numbers)
        return np.array([rows[0], numbers])

    monkeypatch.setattr(workers, "_gathered", gathered)
    at_the_end_of_an_epoch(FIRST, theirs, stop=change == "whether to stop")
    if change is None:
        at_the_end_of_an_epoch(SECOND, ours)
        return
    message = f"In epoch 5 the workers no longer agree on {change}: they comp"
    with pytest.raises(ClusterError, match=message):
        at_the_end_of_an_epoch(SECOND, ours)


def test_one_process_does_not_come_apart():
    at_the_end_of_an_epoch(Replicas(), [np.ones(2)])


def test_workers_that_agree_go_on(met_by):
    met_by(**MINE)
    require_agreement(SECOND, **MINE)
    # One process has nobody to agree with.
    require_agreement(Replicas(), **MINE)


def test_places_may_differ(monkeypatch):
    seen = []
    monkeypatch.setattr(
        workers,
        "own_run_dir",
        lambda run_dir, replicas, **facts: seen.append(facts) or run_dir,
    )
    config = SearchConfig(run_dir="here", seed=3)
    workers.of_this_worker(config)
    elsewhere = dataclasses.replace(
        config,
        run_dir="b",
        dataset="idx:there",
        prepare=True,
        tensorboard=True,
    )
    assert workers.of_this_worker(elsewhere).run_dir == "b"
    assert seen[0] == seen[1] and seen[0]["--seed"] == 3
