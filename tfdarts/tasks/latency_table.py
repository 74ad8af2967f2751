"""The latency of single layers on this machine, measured once and kept."""

import json
import os
import pathlib
import zlib

import keras
import tensorflow as tf

from tfdarts import machine
from tfdarts.files import write_atomically
from tfdarts.tasks.latency import median_seconds

_NO_WORK = "a call without work"


def cache_directory():
    """Returns the path of the user's directory for measurements.

    It is `tfdarts` in `XDG_CACHE_HOME`, by default `~/.cache`.
    """
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return pathlib.Path(home).expanduser() / "tfdarts"


class LatencyTable:
    """The milliseconds of layers, by kind of layer and shape of its input.

    A layer is measured when it is asked for first. Each combination of
    processor, number of cores, GPUs and versions of TensorFlow and Keras has
    a file of its own, so that other machines measure anew.

    Args:
        directory: Path. Defaults to `cache_directory()`.

    Attributes:
        path: The path of the file.
    """

    def __init__(self, directory=None):
        facts = _facts_of_machine()
        name = zlib.crc32(json.dumps(facts).encode())
        directory = pathlib.Path(directory or cache_directory())
        self.path = directory / f"latency-{name:08x}.json"
        self._facts = facts
        self._known = {}
        if self.path.exists():
            self._known = _read(self.path)

    def milliseconds(self, layer, shapes):
        """Returns the latency of a layer for one example.

        The time of a call that does no work is subtracted.

        Args:
            layer: Keras layer, built.
            shapes: List of the shapes of its inputs, without the batch.
        """
        key = _key_of(layer, shapes)
        if key not in self._known:
            found = _measure(lambda *x: _call(layer, x), shapes)
            self._known[key] = max(found - self._time_of_no_work(), 0.0)
        return self._known[key]

    def save(self):
        """Writes the measurements to the file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        content = {"machine": self._facts, "milliseconds": self._known}
        write_atomically(self.path, json.dumps(content, indent=2) + "\n")

    def _time_of_no_work(self):
        if _NO_WORK not in self._known:
            self._known[_NO_WORK] = _measure(tf.identity, [(1,)])
        return self._known[_NO_WORK]


def _read(path):
    """Returns the measurements in a file."""
    try:
        return json.loads(path.read_text())["milliseconds"]
    except (ValueError, LookupError, TypeError) as error:
        raise ValueError(
            f"{path}, the file of measured latencies, is damaged: delete the "
            "file, and the latencies are measured again."
        ) from error


def _facts_of_machine():
    """Returns what the latency of a layer depends on, a dict."""
    facts = machine.describe()
    return {
        "cpu": facts["cpu"],
        "cpu_cores": facts["cpu_cores"],
        "devices": [d.name for d in tf.config.list_logical_devices()],
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
    }


def _key_of(layer, shapes):
    """Returns a name that equal layers with inputs of equal shapes share."""
    config = _without_names(keras.saving.serialize_keras_object(layer))
    shown = " ".join("x".join(map(str, shape)) for shape in shapes)
    checksum = zlib.crc32(json.dumps(config, sort_keys=True).encode())
    return f"{type(layer).__name__} {shown} {checksum:08x}"


def _without_names(value):
    """Returns JSON without the names that Keras gives to layers."""
    if isinstance(value, dict):
        return {
            key: _without_names(each)
            for key, each in value.items()
            if key not in ("name", "build_config", "trainable")
        }
    if isinstance(value, list | tuple):
        return [*map(_without_names, value)]
    return value


def _call(layer, inputs):
    several = len(inputs) > 1
    return layer([*inputs] if several else inputs[0])


def _measure(function, shapes):
    """Returns the milliseconds of a call as a graph, for one example."""
    compiled = tf.function(function, autograph=False, jit_compile=False)
    inputs = [tf.random.stateless_normal((1, *s), (0, 0)) for s in shapes]
    return 1000 * median_seconds(
        lambda: tf.nest.map_structure(lambda x: x.numpy(), compiled(*inputs))
    )
