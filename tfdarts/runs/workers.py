"""A run of several processes: only the chief writes to the run directory."""

import atexit
import contextlib
import dataclasses
import functools
import json
import pathlib
import re
import shutil
import tempfile
import zlib

import keras
import numpy as np
import tensorflow as tf

import tfdarts
from tfdarts.arguments import as_path
from tfdarts.cluster import ClusterError
from tfdarts.cluster import WorkerLostError
from tfdarts.records.run_directory import Stage
from tfdarts.replicas import on_each_replica
from tfdarts.replicas import worker_of
from tfdarts.settings.effect import WITHOUT_EFFECT
from tfdarts.settings.fields import flag_fields
from tfdarts.training.distribution import distribution_of

_NOT_COPIED = ("export", "evaluation", "tensorboard", "lock", "*.partial")
_MISMATCH = re.compile(r"mismatch in the collective|joining a group with size")


@contextlib.contextmanager
def run_as_worker(config):
    """Runs a config as one of all workers; see `use_own_run_dir`.

    Args:
        config: Dataclass with `distribute` and `run_dir`.

    Yields:
        The config, with the run directory of this process.

    Raises:
        ClusterError: If the workers do not agree on the settings.
    """
    own = ("run_dir", "dataset", "genotype", *WITHOUT_EFFECT)
    settings = {
        f"--{field.name}": getattr(config, field.name)
        for field in flag_fields(config)
        if field.name not in own
    }
    distribution = distribution_of(config.distribute)
    with use_own_run_dir(config.run_dir, distribution, **settings) as run_dir:
        yield dataclasses.replace(config, run_dir=run_dir)


@contextlib.contextmanager
def use_own_run_dir(run_dir, distribution, **facts):
    """Lets the chief write to a run directory, and gives workers copies.

    A single process and the chief (worker 0) get the directory itself. Each
    other worker gets a copy, which is deleted when its process ends, so that
    no other code needs to know about workers. A barrier at the beginning
    waits until all workers have their copies, and one at the end until the
    chief has written everything.

    Args:
        run_dir: Path or `None`.
        distribution: `tf.distribute.Strategy`.
        **facts: Further values that must be equal on all workers, besides
            the versions and the progress in the run directory.

    Yields:
        The run directory of this process.

    Raises:
        ClusterError: If one of these values differs, or the workers do not
            compute the same.
        WorkerLostError: If another worker is gone.
    """
    worker, num_workers = worker_of(distribution)
    if num_workers == 1:
        yield run_dir
        return
    try:
        if worker and run_dir:
            run_dir = copy_of(run_dir)
        held = {"the progress in --run_dir": str(_progress_in(run_dir))}
        require_agreement(distribution, **facts, **versions(), **held)
        yield run_dir
        wait_at_barrier(distribution)
    except tf.errors.OpError as error:
        if _MISMATCH.search(str(error)):
            raise ClusterError(
                "The workers do not run the same computation: start all "
                "workers with the same command."
            ) from error
        if _is_connection_error(error):
            raise WorkerLostError(
                "Another worker is gone, and this worker cannot continue "
                "without it"
            ) from error
        raise


def versions():
    """Returns the versions that must be equal on all workers, by names."""
    return {
        "the version of tfdarts": tfdarts.__version__,
        "the version of TensorFlow": tf.__version__,
        "the version of Keras": keras.__version__,
    }


def _is_connection_error(error):
    """Returns whether the connection to other processes failed."""
    broken = (
        tf.errors.UnavailableError,
        tf.errors.AbortedError,
        tf.errors.CancelledError,
        tf.errors.DeadlineExceededError,
    )
    return isinstance(error, broken) or "Collective ops is aborted" in str(
        error
    )


def _progress_in(run_dir):
    """Returns the progress of the stages in a run directory."""
    if not run_dir:
        return None
    stages = [Stage(run_dir, name) for name in ("search", "train")]
    return [
        (
            stage.finished,
            sorted(p.name for p in stage.path.glob("checkpoints/*.index")),
        )
        for stage in stages
    ]


def copy_of(run_dir):
    """Returns the path of a worker's own copy of a run directory.

    Args:
        run_dir: Path; a path inside a copy is returned unchanged.
    """
    path = as_path(run_dir, "run_dir").absolute()
    if _copies_directory() in path.parents:
        return str(run_dir)
    return _make_copy(path)


@functools.cache
def _make_copy(path):
    copy = (
        _copies_directory()
        / str(len([*_copies_directory().iterdir()]))
        / path.name
    )
    copy.parent.mkdir()
    if path.is_dir():
        # The chief writes files atomically, so each one is whole or absent.
        shutil.copytree(
            path,
            copy,
            ignore=shutil.ignore_patterns(*_NOT_COPIED),
            ignore_dangling_symlinks=True,
        )
    return str(copy)


@functools.cache
def _copies_directory():
    """Returns the directory of copies; it is deleted when Python exits."""
    place = pathlib.Path(tempfile.mkdtemp(prefix="tfdarts-worker-"))
    atexit.register(delete_copies)
    return place.absolute()


def delete_copies():
    """Deletes this worker's copies of run directories, if there are any."""
    if _copies_directory.cache_info().currsize:
        shutil.rmtree(_copies_directory(), ignore_errors=True)


def require_agreement(distribution, **facts):
    """Raises an error if the workers would not compute the same.

    Args:
        distribution: `tf.distribute.Strategy`.
        **facts: Values that must be equal on all workers, by their names:
            any value that its text identifies, or lists of Keras variables.

    Raises:
        ClusterError: If a value differs.
    """
    # Commands of different versions may not even have the same settings.
    names = {"the command and its settings": str([*facts])}
    differing = _differing(distribution, names) or _differing(
        distribution, facts
    )
    if differing:
        _let_all_read(distribution)
        raise ClusterError(
            f"The workers do not agree on {', '.join(differing)}. Start all "
            "workers with the same command, the same data and the same "
            "versions, and with a --run_dir on a disk that they share."
        )


class WorkerAgreementCheck(keras.callbacks.Callback):
    """Ends a run whose workers differ, before a checkpoint is written.

    Each worker applies the same all-reduced gradients to its own copy of the
    weights. On processors that round differently, the copies drift apart.

    Args:
        distribution: `tf.distribute.Strategy`.
        variables: List of Keras variables, all that checkpoints store.

    Raises:
        ClusterError: If the variables differ at the end of an epoch, or only
            some workers are about to stop.
    """

    def __init__(self, distribution, variables):
        super().__init__()
        self.distribution = distribution
        self.variables = variables

    def on_epoch_end(self, epoch, logs=None):
        facts = {
            "the variables of a checkpoint": self.variables,
            "whether to stop": self.model.stop_training,
        }
        differing = _differing(self.distribution, facts)
        if differing:
            _let_all_read(self.distribution)
            raise ClusterError(
                f"In epoch {epoch + 1} the workers no longer agree on "
                f"{', '.join(differing)}: they round differently. Use "
                "machines of one kind, and start all workers again to resume "
                "after the epoch before."
            )


def _let_all_read(distribution):
    """Waits until all workers have read what this one is about to end for.

    A worker that ends at once takes away what others still read. One that
    finds the others gone here has read it, too.
    """
    with contextlib.suppress(tf.errors.OpError):
        wait_at_barrier(distribution)


def wait_at_barrier(distribution):
    """Waits at a barrier for all workers."""
    _differing(distribution, {"that they are here": 0})


def _differing(distribution, facts):
    """Returns the names of the values that differ between workers."""
    if worker_of(distribution)[1] == 1:
        return []
    sums = [_checksum_of(value) for value in facts.values()]
    rows = on_each_replica(
        distribution, lambda context: tf.constant([sums], tf.float64)
    )
    columns = _gather_function(distribution)(rows).numpy().T
    return [n for n, c in zip(facts, columns) if (c != c[0]).any()]


@functools.cache
def _gather_function(distribution):
    """Returns a gather function, cached so that its graph is built once."""
    gather = functools.partial(distribution.gather, axis=0)
    return tf.function(gather, reduce_retracing=True)


def _checksum_of(value):
    """Returns a checksum of a JSON-like value or a list of variables."""
    if not isinstance(value, list):
        return zlib.crc32(json.dumps(value, default=str).encode())
    checksum = 0
    for variable in value:
        checksum = zlib.crc32(np.asarray(variable).tobytes(), checksum)
    return checksum
