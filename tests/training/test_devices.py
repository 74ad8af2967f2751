"""Which device computes what of a batch."""

import threading
import time

import numpy as np
import pytest
import tensorflow as tf

from tfdarts.cluster import ClusterError
from tfdarts.layers.replicas import num_replicas
from tfdarts.layers.replicas import replica_id
from tfdarts.training import devices
from tfdarts.training.devices import Replicas
from tfdarts.training.devices import WorkerLostError


@pytest.fixture(scope="module")
def two():
    return Replicas(["CPU:0", "CPU:1"])


def test_a_graph_is_built_once_and_run_on_each_device(two):
    built = []

    def where(x):
        built.append(threading.current_thread())
        return x + tf.cast(replica_id(), x.dtype)

    compiled = two.compiled(where)
    results = two.run(compiled, two.shares(tf.constant([10, 20])))
    assert [int(result[0]) for result in results] == [10, 21]
    assert [r.device.rpartition(":")[2] for r in results] == ["0", "1"]
    assert len(built) == 1
    assert replica_id() == 0 and num_replicas() == 1


def test_shares_are_rows_in_order_and_of_each_micro_batch(two):
    batch = tf.range(8), tf.range(8)[:, tf.newaxis]
    (first, column), (second, _) = two.shares(batch)
    assert first.numpy().tolist() == [0, 1, 2, 3]
    assert second.numpy().tolist() == [4, 5, 6, 7]
    assert column.shape == (4, 1)
    (first, _), (second, _) = two.shares(batch, micro_batches=2)
    assert first.numpy().tolist() == [0, 1, 4, 5]
    assert second.numpy().tolist() == [2, 3, 6, 7]
    second_worker = Replicas(["CPU:0", "CPU:1"], worker=1, num_workers=2)
    assert [s.numpy().tolist() for s in second_worker.shares(tf.range(8))] == [
        [4, 5],
        [6, 7],
    ]


def test_batches_that_cannot_be_shared_are_refused(two):
    with pytest.raises(ValueError, match="multiple of their number, 2. Rec"):
        two.shares(tf.range(7))
    with pytest.raises(ValueError, match="2, times the micro-batches, 3. Rec"):
        two.shares(tf.range(8), micro_batches=3)


def test_shares_of_any_size_are_filled_up(two):
    (first, all_count), (second, some_count) = two.padded_shares(tf.range(3))
    assert first.numpy().tolist() == [0, 1]
    assert second.numpy().tolist() == [2, 0]
    assert all_count.numpy().tolist() == [1, 1]
    assert some_count.numpy().tolist() == [1, 0]
    assert Replicas().padded_shares([1, 2]) == [([1, 2], None)]


def test_rows_are_gathered_in_order(two):
    rows = tf.reshape(tf.range(12.0), (4, 3))
    rows = tf.where(rows == 7, np.inf, rows)
    for result in two.run(two.gathered, two.shares(rows)):
        np.testing.assert_array_equal(result, rows)


def test_an_error_of_one_replica_is_that_of_all(two, monkeypatch):
    """Its partner waits for a sum that never comes."""
    monkeypatch.setattr(devices, "GRACE", 0.1)
    # Of their own, for what waits for ever is never given back.
    replicas = Replicas(["CPU:1", "CPU:0"])

    def fails(share):
        if int(share[0]):
            raise KeyError("of one")
        return replicas.mean(share)

    shares = replicas.shares(tf.constant([0, 1]))
    with pytest.raises(KeyError, match="of one"):
        replicas.run(fails, shares)
    with pytest.raises(RuntimeError, match="others still wait .* Python anew"):
        replicas.run(replicas.mean, shares)


def test_what_has_failed_is_not_started_over(monkeypatch):
    """Not by other replicas of the same devices either; nobody waits long."""
    monkeypatch.setattr(devices, "GRACE", 0.3)
    replicas = Replicas(["CPU:0"] * 5)
    release = threading.Event()

    def fails(share):
        if not share:
            raise KeyError("of one")
        release.wait()

    started = time.monotonic()
    with pytest.raises(KeyError):
        replicas.run(fails, range(5))
    assert time.monotonic() - started < 3 * 0.3
    release.set()
    with pytest.raises(RuntimeError, match="start Python anew"):
        Replicas(["CPU:0"] * 5).run(fails, range(5))


def test_tracebacks_are_as_whole_on_each_device(two):
    found = []

    def look(share):
        found.append(devices._filtering())

    before = devices._filtering()
    try:
        for wanted in ((False, False), (True, False), (True, True)):
            devices._filter(*wanted)
            two.run(look, [0, 1])
            assert found[-2:] == [wanted] * 2
    finally:
        devices._filter(*before)


def names_of(task, count=2):
    job = "" if task is None else f"/job:worker/replica:0/task:{task}"
    return [f"{job}/device:CPU:{number}" for number in range(count)]


@pytest.mark.parametrize("joined", [True, False])
def test_devices_of_other_workers_are_theirs(monkeypatch, joined):
    tasks = (0, 1, 2) if joined else (None,)
    listed = [n for task in tasks for n in names_of(task)]
    monkeypatch.setattr(
        tf.config,
        "list_logical_devices",
        lambda kind: [tf.config.LogicalDevice(name, kind) for name in listed],
    )

    class Here:
        job = "worker" if joined else "localhost"
        device = f"/job:{job}/replica:0/task:{int(joined)}/device:CPU:0"

    monkeypatch.setattr(tf, "zeros", lambda shape: Here)
    own = devices.local_devices("CPU")
    assert own == (names_of(1) if joined else names_of(None))


def test_groups_of_workers_are_told_apart(monkeypatch):
    """Each may compute on its own devices after all have joined."""
    keys = set()
    for task in (0, 1, 2):
        # What a process counts, another does not know.
        monkeypatch.setattr(devices, "_groups", {(): devices.FIRST_KEY})
        keys.add(Replicas(names_of(task)).group.key)
    assert len(keys) == 3
    of_all = {Replicas(names_of(w), w, 2).group.key for w in (0, 1)}
    assert of_all == {devices.FIRST_KEY}


def test_a_lost_worker_is_told_from_other_errors(monkeypatch):
    replicas = Replicas(worker=1, num_workers=2)

    def failing(error):
        def fails(share):
            raise error

        return fails

    gone = tf.errors.UnavailableError(None, None, "Socket closed")
    with pytest.raises(WorkerLostError, match="Another worker is gone"):
        replicas.run(failing(gone), [()])
    aborted = tf.errors.InternalError(None, None, "Collective ops is aborted")
    with pytest.raises(WorkerLostError):
        replicas.run(failing(aborted), [()])
    other = tf.errors.InternalError(
        None, None, "Shape mismatch in the collective instance 7"
    )
    with pytest.raises(ClusterError, match="with the same command"):
        replicas.run(failing(other), [()])
    own = tf.errors.InvalidArgumentError(None, None, "Shape mismatch in Add")
    with pytest.raises(tf.errors.InvalidArgumentError):
        replicas.run(failing(own), [()])
    full = tf.errors.ResourceExhaustedError(None, None, "out of memory")
    with pytest.raises(tf.errors.ResourceExhaustedError):
        replicas.run(failing(full), [()])
