"""Errors of code that is not part of tfdarts: of a plugin or of the user."""

import gc
import importlib.metadata
import pathlib
import re
import sysconfig
import traceback
import types

import tfdarts
from tfdarts.registry import PLUGINS

_KINDS = {
    "tfdarts.strategies.strategy.Strategy": "strategy",
    "tfdarts.evaluators.evaluator.Evaluator": "evaluator",
    "tfdarts.tasks.task.Task": "task",
    "tfdarts.layers.relaxations.Relaxation": "relaxation",
}
"""The nouns for parts; names, because some modules need TensorFlow."""

_LIBRARIES = ("site-packages", "dist-packages")
_WRONG_ARGUMENTS = re.compile(r"(\S+)\(\) (?:takes|missing|got) ")


def is_of_tfdarts(code):
    """Returns whether a code object is from a file of tfdarts."""
    package = pathlib.Path(tfdarts.__file__).parent
    return package in pathlib.Path(code.co_filename).parents


def plugin_error_sentence(error):
    """Returns which code outside of tfdarts failed, or `None`.

    Libraries such as Keras are called by tfdarts and by plugins: the error is
    one of the caller.

    Args:
        error: Exception, with its traceback.
    """
    steps = _own_steps(error)
    message = f"{type(error).__name__}: {error}".removesuffix(": ")
    if not steps or is_of_tfdarts(steps[-1][0].f_code):
        places = _places_of_called(error)
    else:
        frame, line = steps[-1]
        places = [(frame.f_code.co_filename, line)]
    if not places:
        return None
    part = _failed_part(steps) or "Code that is not part of tfdarts"
    where = " or ".join(f"line {line} of {file}" for file, line in places)
    return (
        f"{part} failed with {message}\nThe error is in {where}, which is not "
        "part of tfdarts: see the traceback above, and repair this file."
    )


def failed_part(error):
    """Returns the plugin's part that raised an error, or `None`.

    Args:
        error: Exception, with its traceback.

    Returns:
        String such as `"The strategy hill"`.
    """
    steps = _own_steps(error)
    if not steps or is_of_tfdarts(steps[-1][0].f_code):
        return None
    return _failed_part(steps)


def _own_steps(error):
    """Returns frames and lines up to the last one that is of no library."""
    steps = [*traceback.walk_tb(error.__traceback__)]
    while steps and _is_of_library(steps[-1][0].f_code, steps[-1][0].f_globals):
        steps.pop()
    return steps


def _places_of_called(error):
    """Returns files and lines of the functions that tfdarts could not call.

    A function that cannot take its arguments has no frame in the traceback,
    but its name is in the message.
    """
    wrong = _WRONG_ARGUMENTS.search(str(error))
    if not isinstance(error, TypeError) or not wrong:
        return []
    return sorted(
        {
            (each.__code__.co_filename, each.__code__.co_firstlineno)
            for each in gc.get_objects()
            if isinstance(each, types.FunctionType)
            and each.__qualname__ == wrong[1]
            and not is_of_tfdarts(each.__code__)
            and not _is_of_library(each.__code__, each.__globals__)
        }
    )


def _is_of_library(code, names):
    """Returns whether code is of a library that is no plugin.

    Args:
        code: Code object.
        names: Dict of the global names of its module.
    """
    file = code.co_filename
    if is_of_tfdarts(code):
        return False
    package = names.get("__name__", "").partition(".")[0]
    plugins = importlib.metadata.entry_points(group=PLUGINS)
    if package in {plugin.module.partition(".")[0] for plugin in plugins}:
        return False
    path = pathlib.Path(file)
    standard = pathlib.Path(sysconfig.get_path("stdlib"))
    return (
        file.startswith("<")
        or standard in path.parents
        or any(name in path.parts for name in _LIBRARIES)
    )


def _failed_part(steps):
    """Returns the part whose method ran last, such as `"The task tones"`."""
    parts = (_part_of(frame) for frame, _ in reversed(steps))
    return next(filter(None, parts), None)


def _part_of(frame):
    """Returns the part of a plugin whose method a frame runs."""
    names = frame.f_code.co_varnames[: frame.f_code.co_argcount]
    owner = frame.f_locals.get(names[0]) if names else None
    if type(owner).__module__.partition(".")[0] == "tfdarts":
        return None
    for each in type(owner).__mro__:
        noun = _KINDS.get(f"{each.__module__}.{each.__qualname__}")
        if noun:
            return f"The {noun} {owner.name}"
    return None
