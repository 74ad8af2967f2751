"""Which devices a flag stands for."""

import json
import shutil
import signal
import socket
import subprocess
import sys

import pytest
import tensorflow as tf

from tfdarts.cli.errors import EXIT_CODES
from tfdarts.cluster import SECONDS_TO_JOIN
from tfdarts.cluster import ClusterError
from tfdarts.replicas import local_replicas
from tfdarts.replicas import worker_of
from tfdarts.training import distribution
from tfdarts.training.distribution import distribution_of
from tfdarts.training.distribution import local_devices
from tfdarts.training.distribution import require_divisible_batch


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


@pytest.fixture
def mirrored(monkeypatch):
    """Strategies that know only the names of their devices."""
    monkeypatch.setattr(distribution, "mirrored_strategy", lambda names: names)


def test_none_is_one_device(gpus, mirrored):
    assert distribution_of("none") is tf.distribute.get_strategy()
    assert distribution_of("none").num_replicas_in_sync == 1


def test_mirrored_is_all_gpus_or_all_logical_cpus(
    gpus, mirrored, monkeypatch, two_replicas
):
    assert distribution_of("mirrored") == gpus
    monkeypatch.undo()
    cpus = distribution_of("mirrored")
    # A process has each strategy once.
    assert cpus is two_replicas is distribution_of("mirrored")
    devices = cpus.extended.worker_devices
    assert [name[-5:] for name in devices] == ["CPU:0", "CPU:1"]
    assert worker_of(cpus) == (0, 1) and local_replicas(cpus) == 2


def two_workers(monkeypatch, *addresses):
    config = {"cluster": {"worker": addresses}}
    config["task"] = {"type": "worker", "index": len(addresses) - 1}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))


def test_auto_is_what_there_is(gpus, mirrored, monkeypatch):
    assert distribution_of("auto") == gpus
    monkeypatch.undo()
    assert distribution_of("auto") is tf.distribute.get_strategy()
    two_workers(monkeypatch, "a:1", "b:2")
    monkeypatch.setattr(distribution, "_worker_strategy", lambda: "many")
    assert distribution_of("auto") == distribution_of("multiworker") == "many"
    assert distribution_of("none").num_replicas_in_sync == 1


@pytest.fixture
def joined(monkeypatch):
    """Worker 1 of two, joined; a function that says what devices there are."""
    two_workers(monkeypatch, "a:1", "b:2")
    monkeypatch.setattr(distribution, "_join_workers", lambda: "many")
    monkeypatch.setattr(distribution, "wait_for_workers", lambda *_: None)

    def with_devices(*found):
        names = [
            f"/job:worker/replica:0/task:{task}/device:{kind}:{number}"
            for task, kind, number in found
        ]
        monkeypatch.setattr(
            tf.config,
            "list_logical_devices",
            lambda kind=None: [
                tf.config.LogicalDevice(name, name.split(":")[-2])
                for name in names
                if kind in (None, name.split(":")[-2])
            ],
        )
        distribution._worker_strategy.cache_clear()

    yield with_devices
    distribution._worker_strategy.cache_clear()


def test_workers_have_as_many_gpus(joined):
    joined(*((task, "GPU", k) for task in (1, 0) for k in (0, 1)))
    assert distribution_of("multiworker") == "many"
    joined((1, "CPU", 0), (0, "CPU", 0))
    assert distribution_of("multiworker") == "many"
    joined((0, "GPU", 0), (0, "GPU", 1), (1, "GPU", 0))
    with pytest.raises(
        ClusterError, match="number of GPUs. They have 2, 1: hide"
    ):
        distribution_of("multiworker")
    joined((0, "GPU", 0), (0, "CPU", 0), (1, "CPU", 0))
    with pytest.raises(ClusterError, match="They have 1, 0: hide"):
        distribution_of("multiworker")


def test_devices_of_other_workers_are_theirs(joined, monkeypatch):
    joined((0, "CPU", 0), (1, "CPU", 0), (1, "GPU", 0), (0, "GPU", 0))

    class Here:
        device = "/job:worker/replica:0/task:1/device:CPU:0"

    monkeypatch.setattr(tf, "zeros", lambda shape: Here)
    own = "/job:worker/replica:0/task:1/device"
    assert local_devices() == (f"{own}:CPU:0", f"{own}:GPU:0")
    assert local_devices("GPU") == (f"{own}:GPU:0",)


def test_a_worker_alone_has_the_devices_of_its_machine(
    gpus, mirrored, monkeypatch
):
    two_workers(monkeypatch, "a:1")
    assert distribution_of("multiworker") == gpus


def test_workers_that_cannot_be_joined(monkeypatch):
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        two_workers(monkeypatch, "a:1", f"localhost:{port}")
        with pytest.raises(ClusterError, match=f"but port {port} cannot be"):
            distribution_of("multiworker")
    # This process has long begun to compute.
    monkeypatch.setattr(distribution, "wait_for_workers", lambda *_: None)
    with pytest.raises(ClusterError, match="must not have computed anything"):
        distribution_of("multiworker")
    with pytest.raises(ValueError, match="must be one of none, mirrored"):
        distribution_of("all")


def test_signals_have_their_handlers_again(monkeypatch):
    """Meanwhile they end the process at once, without Python."""

    def join():
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
        assert 0 < signal.alarm(1) <= SECONDS_TO_JOIN
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", join)
    kinds = signal.SIGTERM, signal.SIGINT, signal.SIGALRM
    before = [signal.getsignal(kind) for kind in kinds]
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        distribution._join_workers()
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        assert signal.getsignal(signal.SIGALRM) is signal.SIG_IGN
        assert signal.alarm(0) == 0
        # As of what a shell starts with &.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with pytest.raises(AssertionError):
            distribution._join_workers()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        for kind, handler in zip(kinds, before):
            signal.signal(kind, handler)


JOIN = """
import ctypes
import tensorflow as tf
from tfdarts.training import distribution

distribution.SECONDS_TO_JOIN = 1
# It holds Python's lock, as TensorFlow does.
sleep = ctypes.PyDLL(None).sleep
tf.distribute.MultiWorkerMirroredStrategy = lambda: sleep(60)
distribution._join_workers()
"""
AS_FIRST_PROCESS = ("unshare", "-Urpf", "--kill-child", "--mount-proc")


@pytest.mark.parametrize(
    "prefix",
    [(), pytest.param(AS_FIRST_PROCESS, marks=pytest.mark.slow)],
)
def test_joining_ends_in_time(prefix):
    """Also as the first process of a container, which few signals reach."""
    if prefix and (
        not shutil.which(prefix[0])
        or subprocess.run([*prefix, "true"], capture_output=True).returncode
    ):
        pytest.skip("no container can be made here")
    done = subprocess.run([*prefix, sys.executable, "-c", JOIN], timeout=50)
    assert done.returncode == EXIT_CODES["joining"]


def test_batches_must_be_shared_evenly(two_replicas):
    require_divisible_batch(two_replicas, 12, micro_batches=3)
    with pytest.raises(ValueError, match="--batch_size is shared .* 2. Rec"):
        require_divisible_batch(two_replicas, 7)
    with pytest.raises(ValueError, match="number, 2, times --micro_batches, 4"):
        require_divisible_batch(two_replicas, 12, micro_batches=4)
