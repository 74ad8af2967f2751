"""The directory that holds all of a run."""

import contextlib
import dataclasses
import datetime
import json
import logging
import pathlib
import platform
import sys

import filelock

from tfdarts.files import write_atomically

logger = logging.getLogger("tfdarts")


def write_json(path, value):
    """Writes a value as indented JSON, whole or not at all."""
    write_atomically(path, json.dumps(value, indent=2) + "\n")


def read_json(path):
    """Returns the value that a JSON file holds."""
    return json.loads(pathlib.Path(path).read_text())


class Stage:
    """One stage of a run: its settings, its state, what it wrote.

    Args:
        run_dir: Path of the run.
        name: String, `"search"` or `"train"`: a directory in `run_dir`.
    """

    def __init__(self, run_dir, name):
        if not run_dir:
            raise ValueError(
                f"The {name} stage is in a run directory: give --run_dir."
            )
        self.name = name
        self.run_dir = pathlib.Path(run_dir)
        self.path = self.run_dir / name

    @property
    def finished(self):
        """Whether the stage has been run to its end."""
        status = self.path / "status.json"
        return status.exists() and read_json(status)["state"] == "finished"

    def begin(self, config, **derived):
        """Writes the settings, or compares them with those of before.

        Args:
            config: The stage's settings, a dataclass.
            **derived: What follows from them and from the data, kept beside
                them: the mean of the images, the genotype itself.

        Raises:
            ValueError: If the directory holds this stage with other settings.
            OSError: If the directory cannot be written.
        """
        settings = dataclasses.asdict(config)
        settings.pop("run_dir")
        flags = [
            f"--{name}={value}"
            for name, value in settings.items()
            if value is not None
        ]
        # As JSON gives them back: tuples are lists there.
        settings = json.loads(json.dumps({**settings, **derived}))
        self.path.mkdir(parents=True, exist_ok=True)
        if (self.path / "config.json").exists():
            self._compare(settings)
            return
        write_atomically(self.path / "flags.cfg", "\n".join(flags) + "\n")
        write_json(self.path / "environment.json", _environment())
        self.report("running", epoch=0)
        write_json(self.path / "config.json", settings)

    def settings(self):
        """Returns the settings that the stage was begun with.

        Raises:
            ValueError: If it was not begun.
        """
        path = self.path / "config.json"
        if not path.exists():
            raise ValueError(
                f"{self.run_dir} holds no {self.name} stage: run "
                f"tfdarts-{self.name} --run_dir={self.run_dir} first."
            )
        return read_json(path)

    def report(self, state, **details):
        """Writes how far the stage has come."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        write_json(
            self.path / "status.json",
            {"state": state, "time": now, **details},
        )

    @contextlib.contextmanager
    def running(self):
        """Keeps other processes out and the log of what is done inside.

        How it ended is kept too, if it ended badly.

        Raises:
            ValueError: If another process is at the same stage.
        """
        lock = filelock.FileLock(self.path / "lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout as error:
            raise ValueError(
                f"Another process is writing to {self.path}. Wait for it, or "
                f"give another --run_dir."
            ) from error
        try:
            with self._logged():
                yield
        finally:
            lock.release()

    @contextlib.contextmanager
    def _logged(self):
        handler = logging.FileHandler(self.path / "log.txt")
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        handler.addFilter(
            lambda record: not getattr(record, "transient", False)
        )
        logger.setLevel(logging.INFO)
        logger.addHandler(handler)
        try:
            yield
        except BaseException as error:
            reason = str(error) or type(error).__name__
            self.report("stopped", reason=reason)
            raise
        finally:
            logger.removeHandler(handler)
            handler.close()

    def _compare(self, settings):
        before = self.settings()
        differing = [
            f"{key}: {_brief(before.get(key))} there, "
            f"{_brief(settings.get(key))} now"
            for key in sorted(before.keys() | settings.keys())
            if before.get(key) != settings.get(key)
        ]
        if differing:
            raise ValueError(
                f"{self.path} was begun with other settings "
                f"({'; '.join(differing)}). Give the same ones to go on, or "
                f"another --run_dir."
            )


def _brief(value):
    """A genotype by its name, all else as it is."""
    if isinstance(value, dict):
        return value["name"] or "one without a name"
    return value


def _environment():
    import keras
    import tensorflow as tf

    import tfdarts

    return {
        "tfdarts": tfdarts.__version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "devices": [d.name for d in tf.config.list_logical_devices()],
        "command": sys.argv,
    }
