"""The versions, machine and devices of a process."""

import logging
import platform
import sys

from tfdarts import machine
from tfdarts.records.json_files import read_json
from tfdarts.records.json_files import write_json

logger = logging.getLogger("tfdarts")

_COMPARED_VERSIONS = ("tfdarts", "tensorflow", "keras", "python", "replicas")


def record_environment(stage):
    """Adds the environment of this process to the file of a stage.

    Args:
        stage: `Stage`.
    """
    path = stage.path / "environment.json"
    sessions = read_json(path) if path.exists() else []
    now = {**_environment(), "replicas": stage.replicas}
    for name in _COMPARED_VERSIONS if sessions else ():
        before = sessions[-1].get(name, 1)
        if now[name] != before:
            logger.warning(
                "%s: resuming with %s %s, after %s: the result may "
                "differ from that of an uninterrupted run.",
                stage.name,
                name,
                now[name],
                before,
            )
    write_json(path, [*sessions, now])


def _environment():
    """Returns the versions, machine and devices of this process."""
    import keras
    import tensorflow as tf

    import tfdarts

    return {
        "tfdarts": tfdarts.__version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        **machine.describe(),
        "devices": [d.name for d in tf.config.list_logical_devices()],
        "gpus": [
            tf.config.experimental.get_device_details(gpu).get("device_name")
            for gpu in tf.config.list_physical_devices("GPU")
        ],
        "command": sys.argv,
    }
