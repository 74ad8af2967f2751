"""The settings of a search, which depend on its strategy and its data."""

import dataclasses
import functools

from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import setting
from tfdarts.strategies.registry import get_strategy
from tfdarts.strategies.registry import strategies
from tfdarts.strategies.strategy import STRATEGY
from tfdarts.tasks.registry import task_of_data
from tfdarts.tasks.registry import tasks


def search_config(strategy: str = "darts", **settings) -> Settings:
    """Returns the settings of a search.

    Args:
        strategy: String, a value of `--strategy`.
        **settings: Settings of the strategy and of the task of `dataset`, as
            `tfdarts-search --strategy=... --help` lists them.

    Returns:
        Dataclass for `tfdarts.search`; for DARTS on images, a
        `tfdarts.SearchConfig`.

    Raises:
        ValueError: If the strategy is unknown, or a setting is invalid.

    Example:

    >>> search_config("random", num_candidates=4).num_candidates
    4
    """
    task = task_of_data(settings.get("dataset"))
    config_class = search_config_class(get_strategy(strategy), task)
    unknown = {*settings} - {f.name for f in dataclasses.fields(config_class)}
    if unknown:
        raise ValueError(
            f"The strategy {strategy} on {task.name} has no setting "
            f"{', '.join(sorted(unknown))}."
        )
    return config_class(**settings)


_COMMANDS = {"supernet": "search", "candidates": "candidates"}
"""The key of `Task.configs`, by the `trains` of a strategy."""


def is_for(strategy, task):
    """Returns whether a strategy can search on a task."""
    return _COMMANDS[strategy.trains] in task.configs


@functools.cache
def search_config_class(strategy, task):
    """Returns the dataclass of the settings of a strategy on a task.

    Args:
        strategy: `Strategy`.
        task: `Task`.

    Raises:
        ValueError: If the strategy does not support the task.
    """
    if not is_for(strategy, task):
        raise ValueError(
            f"The strategy {strategy.name} cannot search on {task.name}: "
            "this task has no settings for training candidates. Choose "
            "another --strategy."
        )
    base = task.configs[_COMMANDS[strategy.trains]]
    if strategy.settings is None and strategy.name == "darts":
        return base
    own = () if strategy.settings is None else (strategy.settings,)
    return dataclasses.make_dataclass(
        f"{type(strategy).__name__}Config",
        [("strategy", str, setting(strategy.name, STRATEGY))],
        bases=(*own, base),
        namespace={"__doc__": f"Settings of a {strategy.name} search."},
        frozen=True,
    )


def all_search_configs():
    """Returns the dataclasses of the settings of all searches."""
    return [
        search_config_class(strategy, task)
        for strategy in strategies()
        for task in tasks()
        if is_for(strategy, task)
    ]


def strategy_of_config(config):
    """Returns the strategy that the settings of a search belong to.

    Raises:
        ValueError: If the settings belong to another strategy.
    """
    strategy = get_strategy(config.strategy)
    known = [
        search_config_class(strategy, task)
        for task in tasks()
        if is_for(strategy, task)
    ]
    if not isinstance(config, tuple(known)):
        raise ValueError(
            f"These are not settings of the strategy {config.strategy}: "
            f"create them with tfdarts.search_config({config.strategy!r}, "
            "...)."
        )
    return strategy
