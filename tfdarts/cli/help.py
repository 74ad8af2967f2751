"""The help of a command."""

import inspect
import itertools
import re
import shlex
import textwrap
import types

from tfdarts.cli import parsing
from tfdarts.evaluators.evaluator import FROM_SCRATCH
from tfdarts.runs.evaluator_registry import EVALUATORS
from tfdarts.settings.conditions import unmet_conditions
from tfdarts.strategies.strategy_registry import strategies
from tfdarts.tasks.task_registry import tasks

PARTS = {"strategy": "darts", "evaluator": FROM_SCRATCH}
"""The flags that name a part with flags of its own, with their defaults."""

COMMON_FLAGS = {
    "quiet": "Show only warnings, errors and results.",
    "debug": "Show the traceback of an error.",
    "version": "Print the version.",
    "help": "Print this help; so does -h.",
}


def help_text(command):
    """Returns the help text of a `Command`."""
    lines = [command.summary, ""]
    examples = [f"  {each}" for each in examples_of(command)]
    if examples:
        lines += ["Examples:", "", *examples, ""]
    if command.has_strategy:
        lines += _strategy_lines()
    if command.has_strategy and command.strategy.trains == "candidates":
        names = ", ".join(EVALUATORS)
        lines += [*textwrap.wrap(f"Evaluators: {names}", 80), ""]
    lines += ["Flags:", ""]
    first, *others = command.known_tasks()
    lines += _help_lines(_fields_with_effect(command, first))
    before = len(lines)
    for task in others:
        fields = _differing_fields(command, task, first)
        if fields:
            lines += [
                "",
                f"Flags for a --dataset of {task.name}. They are added to "
                f"the flags above,",
                "or replace flags of the same name:",
                "",
                *_help_lines(fields),
            ]
    if len(lines) > before:
        lines += ["", "Flags of all commands:", ""]
    lines += [
        "  --flagfile=FILE",
        "      File of flags, one --name=value per line; # begins a comment.",
        "      Later flags win, so give --flagfile first.",
        *(f"  --{name}\n      {text}" for name, text in COMMON_FLAGS.items()),
        "",
        "Exit codes: 0 done, 1 unexpected, 2 usage or configuration,",
        "3 data, 4 out of memory, 5 diverged, 6 another worker is gone,",
        "14 a worker was lost while all connected, 130 or 143",
        "interrupted, 141 the reader of the results is gone.",
    ]
    return "\n".join(lines)


def _strategy_lines():
    """Returns help lines for all strategies, by family."""
    families = {}
    for strategy in strategies():
        families.setdefault(strategy.family, []).append(strategy)
    lines = ["Strategies:", ""]
    for family, members in families.items():
        lines.append(f"  {family}")
        for strategy in members:
            docstring = inspect.cleandoc(type(strategy).__doc__ or "")
            summary, _, rest = docstring.partition("\n")
            link = re.search(r"\[(.+?)\]\((\S+?)\)", rest)
            reference = f" {link[1]}, {link[2]}" if link else ""
            lines += textwrap.wrap(
                f"{strategy.name}: {summary}{reference}".rstrip(": "),
                80,
                initial_indent="    ",
                subsequent_indent="        ",
                break_on_hyphens=False,
                break_long_words=False,
            )
        lines.append("")
    return lines


def examples_of(command):
    """Returns the example command lines of the command and the tasks.

    With a strategy, those that it does not accept are left out, and the
    others name it unless it is the default.
    """
    name = command.name.removeprefix("tfdarts-")
    of_tasks = [task.examples.get(name, ()) for task in tasks()]
    # A derived task may inherit the examples of another.
    examples = dict.fromkeys([*command.examples, *itertools.chain(*of_tasks)])
    if command.parts is None:
        return [*examples]
    return [
        shown
        for each in examples
        if (shown := _example_of_strategy(command, each))
    ]


def _example_of_strategy(command, example):
    """Returns an example for the strategy, or `None` if it is invalid."""
    _, *arguments = shlex.split(example)
    chosen = f"--strategy={command.strategy.name}"
    try:
        given = [*parsing.expand_flagfiles(arguments)]
        name = parsing.last_value(given, "strategy")
        if name is None and command.strategy.name != PARTS["strategy"]:
            example = example.replace(" ", f" {shlex.quote(chosen)} ", 1)
            arguments.insert(0, chosen)
        elif name not in (None, command.strategy.name):
            return None
        command.parse_arguments(arguments)
    except ValueError:
        return None
    return example


def _fields_with_effect(command, task):
    """Returns the fields of a task that the given parts have a use for."""
    parts = types.SimpleNamespace(**(command.parts or {}))
    return [
        field
        for field in command.fields_of(task)
        if not unmet_conditions(field, parts)
    ]


def _differing_fields(command, task, first):
    """Returns the fields of a task that differ from the first task's."""

    def description(field):
        return field.name, field.default, field.metadata["help"]

    of_first = {description(field) for field in command.fields_of(first)}
    return [
        field
        for field in _fields_with_effect(command, task)
        if field.name != "dataset" and description(field) not in of_first
    ]


def _help_lines(fields):
    """Returns help lines for fields."""
    lines = []
    for field in fields:
        lines.append(f"  --{field.name}{_format_default(field)}")
        lines += textwrap.wrap(
            field.metadata["help"],
            76,
            initial_indent="      ",
            subsequent_indent="      ",
        )
    return lines


def _format_default(field):
    if field.type is bool:
        return " (off)"
    kind = {int: "INTEGER", float: "NUMBER", str: "TEXT"}[field.type]
    if field.default is None:
        return f"={kind}"
    # In the settings of a strategy, `strategy` defaults to its own name.
    default = PARTS.get(field.name, field.default)
    return f"={kind} (default {default})"
