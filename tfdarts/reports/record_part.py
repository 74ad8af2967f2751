"""Settings, environment and commands of a run, for its page."""

import pathlib
import shlex

from tfdarts.runs.search_configs import search_config_class_of
from tfdarts.settings.effect import settings_with_effect
from tfdarts.tasks.task_registry import task_of_settings

_STAGES = {"search": "Search", "train": "Training"}
_IN_PYTHON = "arrays:"
"""The beginning of the name of a data set that was given in Python."""


def record_part(files):
    """Returns the settings, environments and commands of the stages.

    Args:
        files: `RunFiles`.

    Returns:
        List of dicts, one for each stage that was begun.
    """
    return [
        _record(files, name, title)
        for name, title in _STAGES.items()
        if files.has_begun(name)
    ]


def _record(files, name, title):
    settings = files.settings(name)
    used = files.attempt(
        f"The effect of the settings of {name}/config.json",
        lambda: _used(name, settings),
    )
    sessions = files.json(f"{name}/environment.json", list)
    if not all(isinstance(each, dict) for each in sessions):
        files.notes.append(f"{name}/environment.json holds something else.")
        sessions = []
    return {
        "title": title,
        "used": _shown(used if used is not None else settings),
        "all": _shown(settings),
        "environment": _environment(sessions[-1]) if sessions else {},
        "sessions": len(sessions),
        "typed": _typed(sessions),
        "repeated": _repeated(files, name, settings),
        "in_python": str(settings.get("dataset", "")).startswith(_IN_PYTHON),
    }


def _used(name, settings):
    """Returns the settings that had an effect."""
    if not settings:
        return {}
    task = task_of_settings(settings)
    config = (
        search_config_class_of(settings, task)
        if name == "search"
        else task.configs["train"]
    )
    return settings_with_effect(config, settings)


def _shown(settings):
    """Returns settings as texts; a genotype by its name."""
    shown = {}
    for name, value in settings.items():
        if name == "genotype" and isinstance(value, dict):
            value = value.get("name") or "the cell above"
        if isinstance(value, list) and len(value) > 12:
            value = f"{', '.join(map(str, value[:12]))}, … ({len(value)})"
        elif isinstance(value, list):
            value = ", ".join(map(str, value))
        shown[name] = f"{value:.6g}" if type(value) is float else str(value)
    return shown


def _environment(session):
    return {
        name: ", ".join(map(str, value))
        if isinstance(value, list)
        else str(value)
        for name, value in session.items()
        if name != "command" and value not in ([], None, "")
    }


def _typed(sessions):
    """Returns the commands that were typed, each once, in order."""
    lines = []
    for session in sessions:
        words = [str(word) for word in session.get("command") or ()]
        if words:
            words[0] = pathlib.PurePath(words[0]).name or "python"
            lines.append(shlex.join(words))
    return [*dict.fromkeys(lines)]


def _repeated(files, name, settings):
    """Returns the command that repeats a stage in a new directory.

    A training repeats with the genotype of the run.
    """
    flags = files.path / name / "flags.cfg"
    if not flags.exists():
        return None
    words = [
        f"tfdarts-{name}",
        f"--flagfile={flags}",
        f"--run_dir={files.path}_again",
    ]
    takes = name == "train" and settings.get("genotype")
    text = files.attempt(f"{name}/flags.cfg", flags.read_text) or ""
    if takes and "--genotype=" not in text:
        words.insert(2, f"--genotype={files.path}")
    return shlex.join(words)
