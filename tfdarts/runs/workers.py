"""A run of many processes: one writes, the others follow."""

import atexit
import dataclasses
import functools
import json
import logging
import pathlib
import shutil
import tempfile
import zlib

import numpy as np
import tensorflow as tf

import tfdarts
from tfdarts.cluster import ClusterError
from tfdarts.training.distribution import replicas_of

logger = logging.getLogger("tfdarts")

_LEFT_OUT = ("export", "evaluation", "tensorboard", "lock", "*.partial")


def of_this_worker(config):
    """Returns a config whose run directory this process may write to.

    Args:
        config: Dataclass with `distribute` and `run_dir`.
    """
    run_dir = own_run_dir(config.run_dir, replicas_of(config.distribute))
    return dataclasses.replace(config, run_dir=run_dir)


def own_run_dir(run_dir, replicas):
    """Returns the run directory that this process may write to.

    That is the directory itself on one process, and on the first of many. The
    others follow: each works in a copy of it, which is thrown away when the
    process ends, so that nothing else needs to know of workers. The first
    worker waits here until they have their copies.

    Args:
        run_dir: Path or `None`.
        replicas: `tfdarts.training.devices.Replicas`.
    """
    if replicas.num_workers == 1:
        return run_dir
    if replicas.worker and run_dir:
        run_dir = copy_of(run_dir)
    # Nobody goes on before all have come here.
    _gathered(replicas, [0])
    return run_dir


def copy_of(run_dir):
    """Returns the path of a follower's own copy of a run directory.

    Args:
        run_dir: Path; of a copy, or something in it, it is returned as it is.
    """
    path = pathlib.Path(run_dir).absolute()
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


def require_agreement(replicas, config, first_epoch, variables, **facts):
    """Refuses to go on where workers would not compute the same.

    Args:
        replicas: `tfdarts.training.devices.Replicas`.
        config: The settings, a dataclass.
        first_epoch: Integer, the epoch that the run goes on with.
        variables: List of Keras variables, as they are now.
        **facts: What else must be the same, such as the data's fingerprint.

    Raises:
        ClusterError: If anything is not the same on all workers.
    """
    if replicas.num_workers == 1:
        return
    sums = _checksums(config, first_epoch, variables, facts)
    # Commands of different versions may not even have as many settings.
    names = _gathered(replicas, [_checksum(json.dumps([*sums]))])
    if _differ(names[:, 0]):
        differing = ["which settings there are"]
    else:
        columns = _gathered(replicas, [*sums.values()]).T
        differing = [n for n, column in zip(sums, columns) if _differ(column)]
    if differing:
        raise ClusterError(
            f"The workers do not agree on {', '.join(differing)}. Start all "
            f"of them with the same command, the same data and the same "
            f"versions, and with a --run_dir on a disk that they share."
        )


def _checksums(config, first_epoch, variables, facts):
    """Returns checksums of all that must be the same, by what it is."""
    settings = dataclasses.asdict(config)
    for own in ("run_dir", "dataset", "genotype"):
        settings.pop(own, None)
    compared = {
        **{f"--{name}": value for name, value in settings.items()},
        "the version of tfdarts": tfdarts.__version__,
        "the version of TensorFlow": tf.__version__,
        "the epoch to go on from": first_epoch,
        **facts,
    }
    weights = b"".join(np.asarray(v).tobytes() for v in variables)
    return {
        **{
            name: _checksum(json.dumps(value, default=str))
            for name, value in compared.items()
        },
        "the initial weights": _checksum(weights),
    }


def _differ(column):
    return bool((column != column[0]).any())


def _checksum(value):
    return zlib.crc32(value.encode() if isinstance(value, str) else value)


def _gathered(replicas, numbers):
    """Returns the numbers of all replicas, one row each."""
    rows = tf.constant([numbers], tf.float64)
    results = replicas.run(replicas.gathered, [rows] * len(replicas.devices))
    return results[0].numpy()
