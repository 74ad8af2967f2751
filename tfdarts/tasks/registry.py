"""The tasks by name, by data, by settings."""

from tfdarts.tasks.images import ImageTask
from tfdarts.tasks.task import Task
from tfdarts.tasks.texts import TextTask

_TASKS = {}


def register_task(task):
    """Makes a task known to all functions and commands.

    Args:
        task: `tfdarts.Task`. Its `takes` is asked before that of the tasks
            that are known already; another of its name is replaced.

    Raises:
        ValueError: If it is no task, or its configs are those of another.
    """
    if not isinstance(task, Task):
        raise ValueError(f"A task must be a tfdarts.Task. Received: {task!r}.")
    others = [each for each in tasks() if each.name != task.name]
    for each in others:
        common = {*each.configs.values()} & {*task.configs.values()}
        for config_class in common:
            raise ValueError(
                f"{config_class.__name__} is of the task {each.name}: "
                f"subclass it for the task {task.name}."
            )
    _TASKS[task.name] = task


def tasks():
    """Returns all tasks, in the order in which they were registered."""
    return [*_TASKS.values()]


def task_named(name):
    """Returns the task of a name.

    Raises:
        ValueError: If there is none.
    """
    if name not in _TASKS:
        raise ValueError(
            f"There is no task {name!r}. The tasks are: {', '.join(_TASKS)}. "
            f"Another must be registered first, by tfdarts.register_task."
        )
    return _TASKS[name]


def task_of_data(spec):
    """Returns the task of a specification of `--dataset`.

    Args:
        spec: String, or what Python gives in its place; `None` is that of
            the default.

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


def task_of_config(config):
    """Returns the task of the settings of a command.

    Args:
        config: Instance of one of the `configs` of a task, or of a subclass.

    Raises:
        ValueError: If it is of no task.
    """
    known = {c: task for task in tasks() for c in task.configs.values()}
    for each in type(config).__mro__:
        if each in known:
            return known[each]
    raise ValueError(f"These are the settings of no task: {config!r}.")


def task_of_settings(settings):
    """Returns the task of the settings that a run directory holds.

    Args:
        settings: Dict, what `config.json` of a stage holds. Version 0.1.0 did
            not write `"task"`, and had no settings of images in a run of
            texts.

    Raises:
        ValueError: If the task is not known.
    """
    before = "images" if "image_size" in settings else "texts"
    return task_named(settings.get("task", before))


def task_of_question(name):
    """Returns the task that asks about something of a name, or `None`.

    Args:
        name: String, as `"images"`: a flag of `tfdarts-predict`.
    """
    return next((t for t in tasks() if t.question_name == name), None)


def config_classes(*commands):
    """Returns the dataclasses of the settings of commands, of all tasks.

    Args:
        *commands: Strings: `"search"`, `"train"` or `"select"`.
    """
    return [task.configs[c] for c in commands for task in tasks()]


register_task(ImageTask())
register_task(TextTask())
