"""The directory of a run, with its stages."""

import contextlib
import dataclasses
import datetime
import json
import logging
import math
import shlex
import time

from tfdarts.arguments import as_path
from tfdarts.characters import has_unusable_characters
from tfdarts.files import write_atomically
from tfdarts.genotypes import Genotype
from tfdarts.records.environment import record_environment
from tfdarts.records.json_files import damage_error
from tfdarts.records.json_files import read_json
from tfdarts.records.json_files import write_json
from tfdarts.records.lock import hold_lock
from tfdarts.records.metrics import metric_name
from tfdarts.records.recorded_settings import DEFAULTS_OF_0_1_0
from tfdarts.records.recorded_settings import TIME_LIMIT
from tfdarts.records.recorded_settings import require_same_settings
from tfdarts.records.stage_log import write_log
from tfdarts.settings.effect import flag_lines
from tfdarts.settings.fields import flag_fields
from tfdarts.tasks.task_registry import task_of_config
from tfdarts.tasks.task_registry import task_of_settings

logger = logging.getLogger("tfdarts")


_RESULTS = {
    "search": ("genotype.json", "cells", "search/front.json", "search/front"),
    "train": ("train/results.json", "train/model.keras", "evaluation"),
}
"""The results of each stage, with the measurements of these results."""
TRIALS = "trials.json"
"""The file of a search's trained candidates."""
FRONT = "front.json"
"""The file of the scores and costs of a search with several objectives."""
SHARED = "shared"
"""The directory of a search's supernet whose weights candidates share."""
OUT_OF_TIME = "out_of_time"
"""The key in `status.json` of a stage that `--max_minutes` has ended."""
_CHOSEN = "chosen_for_max_minutes"
"""The key in `config.json` of the names of the settings in `Stage.chosen`."""
_BEST = ("best_epoch", "best_candidate")
_KEPT_DETAILS = ("epoch", "epochs", "seconds", *_BEST)


class Stage:
    """One stage of a run: its settings, its state, its files.

    Args:
        run_dir: Path of the run.
        name: String, `"search"` or `"train"`: a directory in `run_dir`.

    Attributes:
        replicas: Integer, the number of replicas that share each batch now.
        chosen: Dict of the settings that a time limit has chosen.
    """

    replicas = 1
    chosen = {}

    def __init__(self, run_dir, name):
        if not run_dir:
            raise ValueError(
                f"The {name} stage needs a run directory: give --run_dir."
            )
        self.name = name
        self._begun, self._seconds_before = time.monotonic(), None
        self.run_dir = as_path(run_dir, "run_dir")
        if has_unusable_characters(str(run_dir)):
            raise ValueError(
                f"--run_dir must have no control characters and be UTF-8. "
                f"Received: {str(run_dir)!r}."
            )
        self.path = self.run_dir / name

    @property
    def finished(self):
        """Whether the stage has finished."""
        return self.status().get("state") == "finished"

    @property
    def seconds(self):
        """The seconds of earlier processes, and since this object exists."""
        if self._seconds_before is None:
            self._seconds_before = self.status().get("seconds", 0.0)
        return self._seconds_before + time.monotonic() - self._begun

    def status(self):
        """Returns the progress of the stage, a dict; empty if unknown."""
        try:
            status = read_json(self.path / "status.json")
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return {}
        return status if isinstance(status, dict) else {}

    def is_complete(self, config):
        """Returns whether a config leaves nothing to do.

        Its epochs or candidates are done, or its time is used up. If the
        epochs follow from the data, they are the recorded ones.
        """
        length = getattr(config, config.extended_by) or 0
        if not self.finished or length > self.settings()[config.extended_by]:
            return False
        if not self.is_out_of_time:
            return True
        minutes = getattr(config, TIME_LIMIT, 0) or math.inf
        return minutes <= self.status()[OUT_OF_TIME]

    @property
    def is_out_of_time(self):
        """Whether `--max_minutes` has ended the stage before its end."""
        return self.finished and OUT_OF_TIME in self.status()

    def restore_choices(self, config):
        """Returns a config with the recorded values of its open settings.

        The choices of `--preset=auto` stay the same when a run is resumed,
        on any devices and with any version.

        Args:
            config: A dataclass of settings.
        """
        if not self.holds_epochs:
            return config
        before = {**DEFAULTS_OF_0_1_0, **self.settings()}
        # Those that a time limit has chosen, unless they are given now.
        chosen = [
            field.name
            for field in flag_fields(config)
            if field.name in before.get(_CHOSEN, ())
            and getattr(config, field.name) == field.default
        ]
        names = [*config.settings_as_begun, *chosen]
        return dataclasses.replace(
            config, **{n: before[n] for n in names if n in before}
        )

    @property
    def holds_epochs(self):
        """Whether the directory holds finished epochs or candidates."""
        return (
            self.path / "config.json"
        ).exists() and self._has_finished_epoch()

    def begin(self, config, **derived):
        """Writes the settings, or compares them with the recorded ones.

        Before the first epoch is finished, there is nothing to lose, and
        other settings replace the recorded ones. More epochs than before
        extend the stage: the previous results are moved to
        `<stage>/after_epoch_<n>/`, because they are no longer the result.

        Args:
            config: The stage's settings, a dataclass.
            **derived: Values computed from settings and data, recorded beside
                the settings, such as the mean of the images or the genotype.

        Raises:
            ValueError: If the directory holds this stage with other settings
                or more epochs, or a file is damaged.
            OSError: If the directory cannot be written.
        """
        settings = {
            f.name: getattr(config, f.name) for f in flag_fields(config)
        }
        settings.pop("run_dir")
        flags = flag_lines(config, without=["run_dir"])
        settings = {"task": task_of_config(config).name, **settings}
        # Through JSON, as the recorded ones: tuples become lists.
        settings, derived = json.loads(json.dumps([settings, derived]))
        # A genotype may have several names, so the genotype is compared.
        settings = {k: v for k, v in settings.items() if k not in derived}
        self.path.mkdir(parents=True, exist_ok=True)
        if self.holds_epochs:
            require_same_settings(
                self.path, self.settings(), settings, derived, config
            )
            before = self.settings()
            if settings[config.extended_by] > before[config.extended_by]:
                self._extend(before, config, flags)
            elif not self.is_complete(config):
                self._continue(before, config, flags)
            if not self.finished:
                record_environment(self)
            return
        self._write_flags(flags)
        record_environment(self)
        self.report("running", epoch=0)
        if self.chosen:
            derived[_CHOSEN] = sorted(self.chosen)
        write_json(self.path / "config.json", {**settings, **derived})

    def _write_flags(self, flags):
        write_atomically(self.path / "flags.cfg", "\n".join(flags) + "\n")

    def _extend(self, before, config, flags):
        """Extends the stage to more epochs than it was begun with."""
        if not self._can_resume():
            raise self._missing_checkpoints()
        name, finished = config.extended_by, self.finished
        length = getattr(config, name)
        if not config.can_be_extended:
            raise ValueError(
                f"{self.path} is a search of several stages, or one that "
                f"chooses after its last epoch, so --{name}={before[name]} "
                f"cannot be raised. Received: {length}. Give another "
                "--run_dir."
            )
        done = self.status().get("epoch", before[name])
        logger.info(
            "%s: --%s=%d replaces %d. %s",
            *(self.name, name, length, before[name]),
            "The schedules of the learning rate and of drop path now cover "
            "the new number of epochs: the learning rate jumps up here, and "
            "the result differs from that of a run that starts with this "
            "number."
            if name == "epochs" and config.depends_on_epochs
            else "The result equals that of a run that starts with this "
            "number.",
        )
        # In this order, so that the same command resumes an interrupted
        # extension, and the old number of epochs leads to the old result.
        self._report_no_result(epoch=done, epochs=length)
        if finished:
            self._move_results(self.path / f"after_epoch_{done}")
        self._record_lengths(before, config, flags)

    def _continue(self, before, config, flags):
        """Continues a stage, perhaps after or with another time limit."""
        if self.is_out_of_time:
            seconds = self.status()["seconds"]
            self._report_no_result()
            self._move_results(self.path / f"after_{seconds:.0f}_seconds")
        if getattr(config, TIME_LIMIT, 0) != before.get(TIME_LIMIT, 0):
            self._record_lengths(before, config, flags)

    def _record_lengths(self, before, config, flags):
        """Writes the settings that may differ when a stage resumes."""
        names = [config.extended_by, TIME_LIMIT]
        now = {n: getattr(config, n) for n in names if hasattr(config, n)}
        self._write_flags(flags)
        write_json(self.path / "config.json", {**before, **now})

    def _report_no_result(self, **details):
        best = {name: None for name in _BEST if name in self.status()}
        self.report("running", **details, **best)

    def _move_results(self, directory):
        directory.mkdir(exist_ok=True)
        moved = []
        for path in map(self.run_dir.joinpath, _RESULTS[self.name]):
            if path.exists():
                path.replace(directory / path.name)
                moved.append(path.name)
        logger.info(
            "%s: moved the previous results to %s: %s",
            *(self.name, directory, ", ".join(moved)),
        )

    def _has_finished_epoch(self):
        """Returns whether an epoch has been finished."""
        if self._can_resume():
            return True
        status = self.status()
        if status.get("state") != "finished" and status.get("epoch"):
            raise self._missing_checkpoints()
        return self.finished

    def _can_resume(self):
        """Returns whether there is a checkpoint or trial to resume from."""
        kept = "checkpoints/ckpt-*.index"
        patterns = (
            kept,
            f"candidates/*/train/{kept}",
            f"{SHARED}/search/{kept}",
        )
        if (self.path / TRIALS).exists():
            return True
        return any(any(self.path.glob(pattern)) for pattern in patterns)

    def _missing_checkpoints(self):
        return ValueError(
            f"{self.path} has finished epoch {self.status().get('epoch')}, "
            "but its checkpoints are missing. Restore the directory "
            "checkpoints/, or start over in another --run_dir."
        )

    def settings(self):
        """Returns the recorded settings of the stage.

        Raises:
            ValueError: If the stage was not begun.
        """
        path = self.path / "config.json"
        if not path.exists():
            words = [f"tfdarts-{self.name}", f"--run_dir={self.run_dir}"]
            raise ValueError(
                f"{self.run_dir} holds no {self.name} stage: run "
                f"{shlex.join(words)} first."
            )
        settings = read_json(path)
        if not isinstance(settings, dict) or "dataset" not in settings:
            raise damage_error(path)
        if isinstance(settings.get("genotype"), dict):
            # Version 0.1.0 recorded genotypes in another form.
            genotype = Genotype.from_dict(settings["genotype"])
            settings["genotype"] = genotype.to_dict()
        return {"task": task_of_settings(settings).name, **settings}

    def results(self):
        """Returns the content of `results.json`, under today's names.

        tfdarts 0.1.0 named validation metrics `val_...`.
        """
        return {
            metric_name(name, self.name): value
            for name, value in read_json(self.path / "results.json").items()
        }

    def report(self, state, **details):
        """Writes the progress of the stage; details not given are kept."""
        before = self.status()
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        kept = {name: before[name] for name in _KEPT_DETAILS if name in before}
        write_json(
            self.path / "status.json",
            {"state": state, "time": now, **kept, **details},
        )

    @contextlib.contextmanager
    def running(self):
        """Holds the lock of the stage, and writes `log.txt` meanwhile.

        If the work fails, the reason is written, too. A finished stage stays
        finished unless the work has extended it.

        Raises:
            ValueError: If another process holds the lock.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with hold_lock(self.path / "lock", "--run_dir"), write_log(self):
            yield
