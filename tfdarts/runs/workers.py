"""A run of many processes: one writes, the others follow."""

import atexit
import dataclasses
import functools
import json
import pathlib
import shutil
import tempfile
import zlib

import keras
import numpy as np
import tensorflow as tf

import tfdarts
from tfdarts.arguments import as_path
from tfdarts.cluster import ClusterError
from tfdarts.runs.fields import WITHOUT_EFFECT
from tfdarts.runs.fields import flag_fields
from tfdarts.runs.run_directory import Stage
from tfdarts.training.distribution import replicas_of

_LEFT_OUT = ("export", "evaluation", "tensorboard", "lock", "*.partial")


def of_this_worker(config):
    """Returns a config whose run directory this process may write to.

    Args:
        config: Dataclass with `distribute` and `run_dir`.

    Raises:
        ClusterError: If the workers do not agree on the settings.
    """
    own = ("run_dir", "dataset", "genotype", *WITHOUT_EFFECT)
    settings = {
        field.name: getattr(config, field.name)
        for field in flag_fields(config)
        if field.name not in own
    }
    run_dir = own_run_dir(
        config.run_dir,
        replicas_of(config.distribute),
        **{f"--{name}": value for name, value in settings.items()},
    )
    return dataclasses.replace(config, run_dir=run_dir)


def own_run_dir(run_dir, replicas, **facts):
    """Returns the run directory that this process may write to.

    That is the directory itself on one process, and on the first of many. The
    others follow: each works in a copy of it, which is thrown away when the
    process ends, so that nothing else needs to know of workers. The first
    worker waits here until they have their copies.

    Args:
        run_dir: Path or `None`.
        replicas: `tfdarts.training.devices.Replicas`.
        **facts: What must be the same on all workers, beside the versions
            and what the run directory holds.

    Raises:
        ClusterError: If anything of that is not the same.
    """
    if replicas.num_workers == 1:
        return run_dir
    if replicas.worker and run_dir:
        run_dir = copy_of(run_dir)
    versions = {
        "the version of tfdarts": tfdarts.__version__,
        "the version of TensorFlow": tf.__version__,
        "the version of Keras": keras.__version__,
    }
    held = {"what --run_dir holds": str(_held(run_dir))}
    require_agreement(replicas, **facts, **versions, **held)
    return run_dir


def _held(run_dir):
    """How far the stages in a run directory have come."""
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
    """Returns the path of a follower's own copy of a run directory.

    Args:
        run_dir: Path; of a copy, or something in it, it is returned as it is.
    """
    path = as_path(run_dir, "run_dir").absolute()
    if _place() in path.parents:
        return str(run_dir)
    return _copied(path)


@functools.cache
def _copied(path):
    copy = _place() / str(len([*_place().iterdir()])) / path.name
    copy.parent.mkdir()
    if path.is_dir():
        # What the other worker writes meanwhile appears whole or not at all.
        shutil.copytree(
            path,
            copy,
            ignore=shutil.ignore_patterns(*_LEFT_OUT),
            ignore_dangling_symlinks=True,
        )
    return str(copy)


@functools.cache
def _place():
    """Where this process keeps its copies, as long as it lives."""
    place = pathlib.Path(tempfile.mkdtemp(prefix="tfdarts-follower-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return place.absolute()


def require_agreement(replicas, **facts):
    """Refuses to go on where workers would not compute the same.

    Args:
        replicas: `tfdarts.training.devices.Replicas`.
        **facts: What must be the same on all workers, by what it is called:
            anything that has one text, or lists of Keras variables.

    Raises:
        ClusterError: If anything is not the same.
    """
    if replicas.num_workers == 1:
        return
    # Commands of different versions may not even have as many settings.
    names = {"which command and settings there are": str([*facts])}
    differing = _differing(replicas, names) or _differing(replicas, facts)
    if differing:
        raise ClusterError(
            f"The workers do not agree on {', '.join(differing)}. Start all "
            f"of them with the same command, the same data and the same "
            f"versions, and with a --run_dir on a disk that they share."
        )


class SameOnAllWorkers(keras.callbacks.Callback):
    """Ends a run whose workers come apart, before a checkpoint keeps it.

    They change weights alike, each for itself, by sums that are the same for
    all. On processors that round differently they would not stay alike.

    Args:
        replicas: `tfdarts.training.devices.Replicas`.
        variables: List of Keras variables, all that checkpoints keep.

    Raises:
        ClusterError: If they are not the same at the end of an epoch, or not
            all workers are about to stop.
    """

    def __init__(self, replicas, variables):
        super().__init__()
        self.replicas = replicas
        self.variables = variables

    def on_epoch_end(self, epoch, logs=None):
        if self.replicas.num_workers == 1:
            return
        facts = {
            "what a checkpoint keeps": self.variables,
            "whether to stop": self.model.stop_training,
        }
        differing = _differing(self.replicas, facts)
        if differing:
            raise ClusterError(
                f"In epoch {epoch + 1} the workers no longer agree on "
                f"{', '.join(differing)}: they compute differently. Give them "
                f"machines of one kind, and start them again: they go on "
                f"after the epoch before."
            )


def meet(replicas):
    """Waits until all workers have come here."""
    if replicas.num_workers > 1:
        _gathered(replicas, [0])


def _differing(replicas, facts):
    """Returns the names of what is not the same on all workers."""
    sums = [_checksum_of(value) for value in facts.values()]
    columns = _gathered(replicas, sums).T
    return [n for n, c in zip(facts, columns) if (c != c[0]).any()]


def _checksum_of(value):
    """A number for anything that has one text, or for a list of variables."""
    if not isinstance(value, list):
        return zlib.crc32(json.dumps(value, default=str).encode())
    checksum = 0
    for variable in value:
        checksum = zlib.crc32(np.asarray(variable).tobytes(), checksum)
    return checksum


def _gathered(replicas, numbers):
    """Returns the numbers of all replicas, one row each."""
    rows = tf.constant([numbers], tf.float64)
    results = replicas.run(replicas.gathered, [rows] * len(replicas.devices))
    return results[0].numpy()
