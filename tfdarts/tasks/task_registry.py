"""Looking up tasks by name, data or settings."""

import contextlib
import json
import os
import pathlib

from tfdarts.data.image_source import DataError
from tfdarts.registry import Registry
from tfdarts.settings.part_checks import require_name
from tfdarts.tasks.images import ImageTask
from tfdarts.tasks.task import Task
from tfdarts.tasks.texts import TextTask

TASKS = Registry(
    "task", "tasks", {each.name: each for each in (ImageTask(), TextTask())}
)


def register_task(task: Task) -> None:
    """Registers a task for all functions and commands.

    Args:
        task: `tfdarts.Task`. Its `takes` is called before that of earlier
            tasks; a task of the same name is replaced.

    Raises:
        ValueError: If it is no task, lacks a name, configs or methods, or
            shares a config with another task.
    """
    if not isinstance(task, Task):
        raise ValueError(f"A task must be a tfdarts.Task. Received: {task!r}.")
    require_name("task", task)
    missing = [
        c for c in ("search", "train", "select") if c not in task.configs
    ]
    if missing:
        raise ValueError(
            f"`configs` of the task {task.name} must have the dataclasses of "
            f"search, train and select. Missing: {', '.join(missing)}."
        )
    inherited = [
        name
        for name in ("takes", "find_data", "search", "build_network")
        if getattr(type(task), name) is getattr(Task, name)
    ]
    if inherited:
        raise ValueError(
            f"The task {task.name} must have the methods of tfdarts.Task that "
            f"find and train a network. Missing: {', '.join(inherited)}."
        )
    others = [each for each in tasks() if each.name != task.name]
    for each in others:
        common = {*each.configs.values()} & {*task.configs.values()}
        for config_class in common:
            raise ValueError(
                f"{config_class.__name__} belongs to the task {each.name}: "
                f"create a subclass of it for the task {task.name}."
            )
    TASKS[task.name] = task


def tasks():
    """Returns all tasks, in the order in which they were registered."""
    return [*TASKS.values()]


def get_task(name):
    """Returns the task with a name.

    Raises:
        ValueError: If there is no such task.
    """
    return TASKS.find(name)


def task_of_data(spec):
    """Returns the task of a specification of `--dataset`.

    Args:
        spec: String, or data in Python; `None` means the default data set.

    Raises:
        DataError: If there is no such data set.

    Example:

    >>> task_of_data("text:novels").name, task_of_data("folder:cats").name
    ('texts', 'images')
    """
    first, *others = tasks()
    if not spec:
        return first
    return next((t for t in reversed(others) if t.takes(spec)), first)


def specification_of_path(path):
    """Returns the specification of the data at a path.

    Args:
        path: `pathlib.Path`.
    """
    found = (task.specification_of(path) for task in reversed(tasks()))
    return next(filter(None, found), str(path))


@contextlib.contextmanager
def add_task_hint(config, spec):
    """Adds to a `DataError` which data are meant, or which settings they need.

    Args:
        config: The settings of a command, which do not fit the data.
        spec: String, or data in Python.
    """
    try:
        yield
    except DataError as error:
        hint = _hint(task_of_config(config), spec)
        raise DataError(f"{error}{hint}") from error


def _hint(task, spec):
    if isinstance(spec, str) and spec and os.path.exists(spec):
        return f" Did you mean {specification_of_path(pathlib.Path(spec))}?"
    other = next((t for t in reversed(tasks()) if t.takes(spec)), None)
    if other is None and isinstance(spec, str):
        return _list_other_data_sets(task)
    if other is None or isinstance(task, type(other)):
        return ""
    names = " or ".join(
        other.configs[command].__name__ for command in ("search", "train")
    )
    return f" These are data of the task {other.name}: use {names}."


def _list_other_data_sets(task):
    """Returns sentences that list the data sets of the other tasks."""
    sentences = []
    for other in tasks():
        # A derived task has other data than the task that it derives from.
        known = vars(type(other)).get("data_sets")
        if other is not task and known:
            sentences.append(
                f" The data sets of {other.name} are: {', '.join(known)}."
            )
        elif other is not task:
            sentences.append(f" There are also data sets of {other.name}.")
    return "".join(sentences)


def task_of_config(config):
    """Returns the task of the settings of a command.

    Args:
        config: Instance of one of the `configs` of a task, or of a subclass.

    Raises:
        ValueError: If the config belongs to no task.
    """
    known = {c: task for task in tasks() for c in task.configs.values()}
    for each in type(config).__mro__:
        if each in known:
            return known[each]
    raise ValueError(
        f"These settings belong to no task: {config!r}. Give an instance of "
        "one of the `configs` of a task."
    )


def task_of_settings(settings):
    """Returns the task of the settings in a run directory.

    Args:
        settings: Dict, the content of a stage's `config.json`. Version 0.1.0
            did not write `"task"`, and wrote no image settings in a run on
            texts.

    Raises:
        ValueError: If the task is unknown.
    """
    before = "images" if "image_size" in settings else "texts"
    return get_task(settings.get("task", before))


def task_of_question(name, export_dir=None, version=None):
    """Returns the task whose question has a name, or `None`.

    If several tasks have the question, the model card of the exported model
    names the task. Without a card, it is the first registered of these tasks.

    Args:
        name: String, a flag of `tfdarts-predict`, such as `"images"`.
        export_dir: Path of a model's exported versions, or of one version.
        version: Integer, the version. Defaults to the newest.
    """
    found = [task for task in tasks() if task.question_name == name]
    if len(found) > 1 and export_dir is not None:
        of_model = _task_name_of_export(export_dir, version)
        found.sort(key=lambda task: task.name != of_model)
    return next(iter(found), None)


def _task_name_of_export(export_dir, version):
    """Returns the task that a model card names, or `None` if it does not."""
    from tfdarts.serving.clients import validate_version
    from tfdarts.serving.saved_model_client import version_directory

    try:
        path = version_directory(export_dir, validate_version(version))
        card = json.loads((path / "model_card.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return card.get("task") if isinstance(card, dict) else None


def config_classes(*commands):
    """Returns the config dataclasses of commands, over all tasks.

    Args:
        *commands: Strings: `"search"`, `"train"` or `"select"`.
    """
    return [task.configs[c] for c in commands for task in tasks()]
