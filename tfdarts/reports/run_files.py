"""The files of a run, read as far as they are there and intact."""

import subprocess
import zipfile

from tfdarts.arguments import as_path
from tfdarts.records.json_files import read_json
from tfdarts.records.metrics import read_columns
from tfdarts.records.run_directory import Stage

_OF_RUNS = (
    *("search", "train", "evaluation", "genotype.json"),
    *("selection.json", "seeds.json"),
)
"""What a run directory has, at least one of them."""

_DAMAGE = (
    *(OSError, LookupError, ValueError, TypeError, AttributeError),
    *(EOFError, ArithmeticError),
    *(zipfile.BadZipFile, subprocess.SubprocessError),
)
"""Errors of files that are missing, damaged or of another version."""


class RunFiles:
    """The files of a run directory, for a page that shows what it can.

    Args:
        run_dir: Path of the run.

    Attributes:
        path: `pathlib.Path`.
        stages: Dict of `Stage` by name.
        notes: List of sentences, what could not be read and why.

    Raises:
        ValueError: If the directory holds no run.
    """

    def __init__(self, run_dir):
        self.path = as_path(run_dir, "--run_dir")
        if not any((self.path / name).exists() for name in _OF_RUNS):
            raise ValueError(
                f"{self.path} holds no run: it has neither search/, train/ "
                "nor genotype.json. Give the --run_dir of a search or a "
                "training."
            )
        names = ("search", "train")
        self.stages = {name: Stage(self.path, name) for name in names}
        self.notes = []

    def attempt(self, what, read):
        """Returns what a function reads, or `None` with a note.

        Args:
            what: String, the subject of the note.
            read: Function without arguments.
        """
        try:
            return read()
        except _DAMAGE as error:
            reason = str(error).strip().splitlines()
            words = reason[0] if reason else type(error).__name__
            if isinstance(error, KeyError):
                words = f"{words} is missing."
            self.notes.append(f"{what} cannot be shown: {words}")
            return None

    def json(self, name, kind):
        """Returns the content of a JSON file; without one, an empty value.

        Args:
            name: String, the path of the file in the run directory.
            kind: `dict` or `list`, the kind of its content.
        """
        path = self.path / name
        if not path.exists():
            return kind()
        value = self.attempt(name, lambda: read_json(path))
        if value is not None and not isinstance(value, kind):
            self.notes.append(
                f"{name} cannot be shown: it holds no {kind.__name__}."
            )
        return value if isinstance(value, kind) else kind()

    def has_begun(self, stage):
        """Returns whether a stage has left settings or a status."""
        path = self.path / stage
        files = ("config.json", "status.json", "metrics.csv", "results.json")
        return any((path / name).exists() for name in files)

    def settings(self, stage):
        """Returns the recorded settings of a stage, or an empty dict.

        The settings of a task that is not installed are read as they are.
        """
        name = f"{stage}/config.json"
        if not (self.path / name).exists():
            return {}
        try:
            return self.stages[stage].settings()
        except ValueError as error:
            found = self.json(name, dict)
            if found:
                self.notes.append(f"{name} is shown as recorded: {error}")
            return found

    def metrics(self, stage):
        """Returns the columns of the metrics of a stage, or an empty dict."""
        path = self.path / stage / "metrics.csv"
        if not path.exists():
            return {}
        return (
            self.attempt(
                f"{stage}/metrics.csv", lambda: read_columns(path, stage)
            )
            or {}
        )
