"""Hints for flags that a command has with other data or parts."""

import dataclasses

from tfdarts.runs.evaluator_registry import EVALUATORS
from tfdarts.runs.search_configs import is_for
from tfdarts.settings.fields import flag_fields
from tfdarts.strategies.strategy_registry import strategies


def flag_hints(command, task):
    """Returns hints for flags that are unknown here but known elsewhere.

    Returns:
        Dict from names of flags to sentences.
    """
    if not callable(command.settings):
        return {}
    of_tasks = {}
    for other in command.known_tasks():
        if other is not task:
            for field in command.fields_of(other):
                # If several tasks have the flag, the first is named.
                of_tasks.setdefault(
                    field.name,
                    f"--{field.name} is for {other.name}, but --dataset "
                    f"holds {task.name}: give another --dataset, or leave "
                    f"--{field.name} out.",
                )
    return of_tasks | hints_of_parts(command, task)


def hints_of_parts(command, task):
    """Returns hints for the flags of all strategies and evaluators.

    Args:
        task: `Task` of `--dataset`.
    """
    sentences = {}
    if not command.has_strategy:
        return sentences
    for settings in command.settings_for(task):
        for field in dataclasses.fields(settings):
            if "refusal" in field.metadata:
                sentences[field.name] = field.metadata["refusal"]
    names = {}
    for strategy in strategies():
        if not is_for(strategy, task):
            continue
        parts = {"strategy": strategy.name}
        for field in distinct_fields(command.settings(task, parts)):
            names.setdefault(field.name, []).append(strategy.name)
    for flag, of_flag in names.items():
        shown = ", ".join(of_flag[:3]) + " and others" * (len(of_flag) > 3)
        give = "that strategy" if len(of_flag) == 1 else "one of these"
        sentences.setdefault(
            flag,
            f"--{flag} is for --strategy={shown}: give {give}, or leave "
            f"--{flag} out.",
        )
    for evaluator in EVALUATORS.values():
        for field in distinct_fields(filter(None, [evaluator.settings])):
            sentences.setdefault(
                field.name,
                f"--{field.name} is for --evaluator={evaluator.name}: "
                f"give that evaluator, or leave --{field.name} out.",
            )
    return sentences


def distinct_fields(settings):
    """Returns the fields of several dataclasses, the first of each name."""
    fields = {}
    for each in settings:
        for field in flag_fields(each):
            fields.setdefault(field.name, field)
    return fields.values()
