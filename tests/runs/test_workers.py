"""Workers except the chief work in copies, and all workers agree first."""

import dataclasses
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from tfdarts.cluster import ClusterError
from tfdarts.runs import workers
from tfdarts.runs.workers import WorkerAgreementCheck
from tfdarts.runs.workers import WorkerLostError
from tfdarts.runs.workers import copy_of
from tfdarts.runs.workers import require_agreement
from tfdarts.runs.workers import run_as_worker
from tfdarts.runs.workers import use_own_run_dir
from tfdarts.tasks.configs import SearchConfig

ONE, FIRST, SECOND = "one process", "first of two", "second of two"


@pytest.fixture(autouse=True)
def others(monkeypatch):
    """Names stand for strategies of two workers, which this process is not.

    Returns:
        List of rows of checksums. What is in it the other worker has said, in
        this order; it says the same as this one where the list is empty.
    """
    number = {ONE: (0, 1), FIRST: (0, 2), SECOND: (1, 2)}
    rows = []

    def gathering(distribution):
        return lambda row: tf.concat([row, *(rows and [rows.pop(0)])], axis=0)

    monkeypatch.setattr(workers, "worker_of", number.get)
    monkeypatch.setattr(workers, "_gather_function", gathering)
    monkeypatch.setattr(
        workers, "on_each_replica", lambda distribution, value_of: value_of(0)
    )
    return rows


def says(others, monkeypatch, **facts):
    """Lets the other worker say the checksums of facts."""
    with monkeypatch.context() as patch:
        patch.setattr(
            workers,
            "_gather_function",
            lambda distribution: lambda row: others.append(row) or row,
        )
        require_agreement(FIRST, **facts)


@pytest.fixture
def run_dir(tmp_path):
    run_dir = tmp_path / "run"
    for path in ("search/status.json", "export/digits/1/model.pb"):
        (run_dir / path).parent.mkdir(parents=True)
        (run_dir / path).write_text("{}")
    (run_dir / "search" / ".status.json.1.partial").write_text("{")
    return run_dir


@pytest.fixture
def compared(monkeypatch):
    """What is compared with other workers, a dict each time."""
    facts = []
    monkeypatch.setattr(
        workers,
        "_differing",
        lambda distribution, values: facts.append(values) or [],
    )
    return facts


def test_one_process_has_nobody_to_wait_for(run_dir, compared):
    with use_own_run_dir(run_dir, ONE, one=1) as own:
        assert own == run_dir
    assert not compared


def test_the_first_writes_where_it_is_told(run_dir, compared):
    with use_own_run_dir(run_dir, FIRST, one=1) as own:
        assert own == run_dir
        names, facts = compared
        assert facts["one"] == 1
        assert {"the progress in --run_dir", "the version of Keras"} < {*facts}
        assert names == {"the command and its settings": str([*facts])}
    # None ends before the first has written all.
    assert len(compared) == 3


def test_the_others_get_a_copy_once(run_dir, compared):
    with use_own_run_dir(str(run_dir), SECOND) as copy:
        assert copy != str(run_dir) and copy.endswith("/run")
        path = pathlib.Path(copy)
        files = [p.relative_to(path) for p in path.rglob("*") if p.is_file()]
        assert list(map(str, files)) == ["search/status.json"]
        (path / "search" / "status.json").write_text("{1}")
        with use_own_run_dir(run_dir, SECOND) as again:
            assert again == copy
        with use_own_run_dir(copy, SECOND) as again:
            assert again == copy
    assert copy_of(f"{copy}/seed0") == f"{copy}/seed0"
    assert (run_dir / "search" / "status.json").read_text() == "{}"
    assert len(compared) == 3 * 3
    with use_own_run_dir(None, SECOND) as nowhere:
        assert nowhere is None


def held(run_dir):
    return str(workers._progress_in(run_dir))


def test_how_far_a_run_has_come_is_compared(run_dir):
    begun = held(run_dir)
    assert begun == held(str(run_dir))
    checkpoints = run_dir / "search" / "checkpoints"
    checkpoints.mkdir()
    (checkpoints / "ckpt-1.index").touch()
    later = held(run_dir)
    (run_dir / "search" / "status.json").write_text('{"state": "finished"}')
    assert len({begun, later, held(run_dir)}) == 3
    assert workers._progress_in(None) is None


MINE = {"--seed": 0, "--order": 1, "the weights": [np.ones(2), np.zeros(3)]}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"--seed": 1}, "--seed."),
        ({"--seed": 1, "--order": 2}, "--seed, --order."),
        ({"the weights": [np.ones(2), np.ones(3)]}, "the weights."),
        ({"--units": 3}, "the command and its settings."),
    ],
)
def test_workers_that_differ_are_told_in_what(
    others, monkeypatch, change, said
):
    says(others, monkeypatch, **{**MINE, **change})
    with pytest.raises(ClusterError, match=f"do not agree on {said} Start"):
        require_agreement(SECOND, **MINE)


def test_workers_that_agree_go_on(others, monkeypatch):
    says(others, monkeypatch, **MINE)
    require_agreement(SECOND, **MINE)
    assert not others
    # One process has nobody to agree with.
    others.append("nothing that could be compared")
    require_agreement(ONE, **MINE)


class Model:
    stop_training = False


def at_the_end_of_an_epoch(distribution, weights, stop=False):
    callback = WorkerAgreementCheck(distribution, weights)
    callback.set_model(Model())
    callback.model.stop_training = stop
    callback.on_epoch_end(4)


@pytest.mark.parametrize(
    "change", ["the variables of a checkpoint", "whether to stop", None]
)
def test_workers_that_come_apart_are_ended(others, monkeypatch, change):
    """Before a checkpoint keeps it: `ours` and `theirs` are two processes."""
    ours, theirs = ([np.ones(2), np.zeros(3)] for _ in range(2))
    if change == "the variables of a checkpoint":
        theirs[1][2] = 1e-20
    facts = {
        "the variables of a checkpoint": theirs,
        "whether to stop": change == "whether to stop",
    }
    says(others, monkeypatch, **facts)
    del others[0]  # Names are not compared here.
    if change is None:
        at_the_end_of_an_epoch(SECOND, ours)
        assert not others
        return
    message = f"In epoch 5 the workers no longer agree on {change}: they roun"
    with pytest.raises(ClusterError, match=message):
        at_the_end_of_an_epoch(SECOND, ours)


def test_one_process_does_not_come_apart(others):
    others.append("nothing that could be compared")
    at_the_end_of_an_epoch(ONE, [np.ones(2)])


def test_places_may_differ(monkeypatch, compared):
    monkeypatch.setattr(workers, "distribution_of", lambda distribute: FIRST)
    config = SearchConfig(run_dir="here", seed=3)
    elsewhere = dataclasses.replace(
        config,
        run_dir="b",
        dataset="idx:there",
        prepare=True,
        tensorboard=True,
    )
    for each in (config, elsewhere):
        with run_as_worker(each) as own:
            assert own == each
    _, facts, _, _, others_facts, _ = compared
    assert facts == others_facts and facts["--seed"] == 3


@pytest.mark.parametrize(
    ("error", "expected", "message"),
    [
        (tf.errors.UnavailableError, WorkerLostError, "Socket closed"),
        (tf.errors.AbortedError, WorkerLostError, "restarted"),
        (tf.errors.DeadlineExceededError, WorkerLostError, "timeout"),
        (
            tf.errors.InternalError,
            WorkerLostError,
            "Collective ops is aborted by: a peer",
        ),
        (
            tf.errors.InternalError,
            ClusterError,
            "Shape mismatch in the collective instance 7",
        ),
        (tf.errors.InvalidArgumentError, None, "Shape mismatch in Add"),
        (tf.errors.ResourceExhaustedError, None, "out of memory"),
        (tf.errors.InternalError, None, "of one's own"),
    ],
)
def test_a_lost_worker_is_told_from_other_errors(error, expected, message):
    said = {
        WorkerLostError: "Another worker is gone, and this worker cannot",
        ClusterError: "do not run the same computation: start all",
        None: message,
    }
    with pytest.raises(expected or error, match=said[expected]):
        with use_own_run_dir(None, FIRST):
            raise error(None, None, message)
    with pytest.raises(error), use_own_run_dir(None, ONE):
        raise error(None, None, message)
