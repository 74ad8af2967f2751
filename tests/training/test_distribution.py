"""Which devices a flag stands for."""

import json
import signal
import socket

import pytest
import tensorflow as tf

from tfdarts import cluster as cluster_module
from tfdarts.cluster import ClusterError
from tfdarts.training import distribution
from tfdarts.training.devices import Replicas
from tfdarts.training.distribution import replicas_of
from tfdarts.training.distribution import require_shares


@pytest.fixture
def gpus(monkeypatch):
    """A machine of two GPUs, to look at only."""
    names = [f"/device:GPU:{k}" for k in range(2)]
    devices = [tf.config.LogicalDevice(name, "GPU") for name in names]
    monkeypatch.setattr(
        tf.config,
        "list_logical_devices",
        lambda kind=None: devices if kind == "GPU" else [],
    )
    return tuple(names)


def test_none_is_one_device(gpus):
    assert replicas_of("none").devices == (None,)


def test_mirrored_is_all_gpus_or_all_logical_cpus(gpus, monkeypatch):
    assert replicas_of("mirrored").devices == gpus
    monkeypatch.undo()
    cpus = replicas_of("mirrored")
    assert [name[-5:] for name in cpus.devices] == ["CPU:0", "CPU:1"]
    assert (cpus.count, cpus.first, cpus.num_workers) == (2, 0, 1)


def test_auto_is_what_there_is(gpus, monkeypatch):
    assert replicas_of("auto").devices == gpus
    monkeypatch.undo()
    assert replicas_of("auto").count == 1
    two = {"cluster": {"worker": ["a:1", "b:2"]}}
    two["task"] = {"type": "worker", "index": 1}
    monkeypatch.setenv("TF_CONFIG", json.dumps(two))
    monkeypatch.setattr(distribution, "_of_workers", lambda: "many")
    assert replicas_of("auto") == replicas_of("multiworker") == "many"
    assert replicas_of("none").count == 1


@pytest.fixture
def cluster(monkeypatch):
    """Worker 1 of two, joined; a function that says what devices there are."""
    two = {"cluster": {"worker": ["a:1", "b:2"]}}
    two["task"] = {"type": "worker", "index": 1}
    monkeypatch.setenv("TF_CONFIG", json.dumps(two))
    monkeypatch.setattr(distribution, "_join", lambda: None)
    monkeypatch.setattr(distribution, "wait_for_others", lambda *_: None)

    def with_devices(*found):
        names = [
            f"/job:worker/replica:0/task:{task}/device:{kind}:{k}"
            for task, kind, k in found
        ]
        monkeypatch.setattr(
            tf.config,
            "list_logical_devices",
            lambda kind: [
                tf.config.LogicalDevice(name, kind)
                for name in names
                if f":{kind}:" in name
            ],
        )
        distribution._of_workers.cache_clear()
        return replicas_of("multiworker")

    yield with_devices
    distribution._of_workers.cache_clear()


def test_a_worker_computes_on_its_own_devices(cluster):
    both = [(task, "GPU", k) for task in (1, 0) for k in (0, 1)]
    replicas = cluster(*both, (0, "CPU", 0), (1, "CPU", 0))
    assert replicas.devices == tuple(
        f"/job:worker/replica:0/task:1/device:GPU:{k}" for k in (0, 1)
    )
    assert (replicas.count, replicas.first, replicas.worker) == (4, 2, 1)
    assert cluster((1, "CPU", 0), (0, "CPU", 0)).count == 2


def test_workers_have_as_many_devices(cluster):
    with pytest.raises(ClusterError, match="many GPUs. They have 2, 1: hide"):
        cluster((0, "GPU", 0), (0, "GPU", 1), (1, "GPU", 0))
    with pytest.raises(ClusterError, match="They have 1, 0: hide"):
        cluster((0, "GPU", 0), (0, "CPU", 0), (1, "CPU", 0))


def test_a_worker_alone_has_the_devices_of_its_machine(gpus, monkeypatch):
    alone = {"cluster": {"worker": ["a:1"]}}
    alone["task"] = {"type": "worker", "index": 0}
    monkeypatch.setenv("TF_CONFIG", json.dumps(alone))
    assert replicas_of("multiworker").devices == gpus


def test_workers_that_cannot_be_joined(monkeypatch):
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        port = taken.getsockname()[1]
        two = {"cluster": {"worker": ["a:1", f"localhost:{port}"]}}
        two["task"] = {"type": "worker", "index": 1}
        monkeypatch.setenv("TF_CONFIG", json.dumps(two))
        with pytest.raises(ClusterError, match=f"but port {port} cannot be"):
            replicas_of("multiworker")
    # This process has long begun to compute.
    monkeypatch.setattr(cluster_module, "_is_there", lambda address: True)
    with pytest.raises(ClusterError, match="must not have computed anything"):
        replicas_of("multiworker")
    with pytest.raises(ValueError, match="must be one of none, mirrored"):
        replicas_of("all")


def test_signals_have_their_handlers_again(monkeypatch):
    """Meanwhile Ctrl-C ends the process at once, for Python stands still."""

    def join():
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", join)
    kinds = signal.SIGTERM, signal.SIGINT
    before = [signal.getsignal(kind) for kind in kinds]
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        distribution._join()
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        # As of what a shell starts with &.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with pytest.raises(AssertionError):
            distribution._join()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        for kind, handler in zip(kinds, before):
            signal.signal(kind, handler)


def test_batches_must_be_shared_evenly():
    two = Replicas(["CPU:0", "CPU:1"])
    require_shares(two, 12, micro_batches=3)
    with pytest.raises(ValueError, match="--batch_size is shared .* 2. Rec"):
        require_shares(two, 7)
    with pytest.raises(ValueError, match="number, 2, times --micro_batches, 4"):
        require_shares(two, 12, micro_batches=4)
