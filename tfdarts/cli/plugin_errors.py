"""Errors of code that is not part of tfdarts: of a plugin or of the user."""

import importlib.metadata
import pathlib
import sysconfig
import traceback

import tfdarts
from tfdarts.evaluators.evaluator import Evaluator
from tfdarts.registry import PLUGINS
from tfdarts.strategies.strategy import Strategy
from tfdarts.tasks.task import Task

_KINDS = {Strategy: "strategy", Evaluator: "evaluator", Task: "task"}
_LIBRARIES = ("site-packages", "dist-packages")


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
    steps = [*traceback.walk_tb(error.__traceback__)]
    while steps and _is_of_library(steps[-1][0]):
        steps.pop()
    if not steps or is_of_tfdarts(steps[-1][0].f_code):
        return None
    frame, line = steps[-1]
    parts = (_part_of(frame) for frame, _ in reversed(steps))
    part = next(filter(None, parts), "Code that is not part of tfdarts")
    message = f"{type(error).__name__}: {error}".removesuffix(": ")
    return (
        f"{part} failed with {message}\nThe error is in line {line} of "
        f"{frame.f_code.co_filename}, which is not part of tfdarts: see the "
        "traceback above, and repair this file."
    )


def _is_of_library(frame):
    """Returns whether a frame is of a library that is no plugin."""
    file = frame.f_code.co_filename
    if is_of_tfdarts(frame.f_code):
        return False
    package = frame.f_globals.get("__name__", "").partition(".")[0]
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


def _part_of(frame):
    """Returns the strategy, evaluator or task whose method a frame runs."""
    names = frame.f_code.co_varnames[: frame.f_code.co_argcount]
    owner = frame.f_locals.get(names[0]) if names else None
    if type(owner).__module__.partition(".")[0] == "tfdarts":
        return None
    for kind, noun in _KINDS.items():
        if isinstance(owner, kind):
            return f"The {noun} {owner.name}"
    return None
