"""A follower works in a copy, and all workers agree first."""

import dataclasses
import json
import pathlib

import numpy as np
import pytest

from tfdarts.cluster import ClusterError
from tfdarts.runs import workers
from tfdarts.runs.configs import SearchConfig
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
        workers, "_gathered", lambda replicas, numbers: times.append(1)
    )
    return times


def test_the_first_writes_where_it_is_told(run_dir, met):
    assert own_run_dir(run_dir, Replicas()) == run_dir
    assert not met
    assert own_run_dir(run_dir, FIRST) == run_dir
    assert len(met) == 1


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


CONFIG = SearchConfig(run_dir="here", distribute="multiworker")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"config": {"seed": 1}}, "--seed."),
        ({"config": {"epochs": 3, "order": 1}}, "--order, --epochs."),
        ({"epoch": 2}, "the epoch to go on from."),
        ({"facts": {"data": "x"}}, "data."),
        ({"facts": {"more": 1, "data": ""}}, "which settings there are."),
        ({"weights": 3.0}, "the initial weights."),
    ],
)
def test_workers_that_differ_are_told_in_what(monkeypatch, change, said):
    mine = workers._checksums(CONFIG, 0, [np.ones(2)], {"data": ""})
    theirs = workers._checksums(
        dataclasses.replace(CONFIG, **change.get("config", {})),
        change.get("epoch", 0),
        [np.full(2, change.get("weights", 1.0))],
        change.get("facts", {"data": ""}),
    )
    of_names = [workers._checksum(json.dumps([*theirs]))]

    def gathered(replicas, numbers):
        others = of_names if len(numbers) == 1 else [*theirs.values()]
        assert len(numbers) == 1 or numbers == [*mine.values()]
        return np.array([numbers, others])

    monkeypatch.setattr(workers, "_gathered", gathered)
    with pytest.raises(ClusterError, match=f"do not agree on {said} Start"):
        require_agreement(SECOND, CONFIG, 0, [np.ones(2)], data="")


def test_places_may_differ(monkeypatch):
    mine = workers._checksums(CONFIG, 0, [], {})
    elsewhere = dataclasses.replace(CONFIG, run_dir="b", dataset="idx:there")
    assert workers._checksums(elsewhere, 0, [], {}) == mine
    # One process has nobody to agree with.
    require_agreement(Replicas(), CONFIG, 0, [])
