"""The strategies by name."""

import re

from tfdarts.registry import Registry
from tfdarts.settings.fields import Settings
from tfdarts.strategies.random_search import RandomSearch
from tfdarts.strategies.strategy import DARTSStrategy
from tfdarts.strategies.strategy import Strategy

RESERVED_FLAGS = (
    *("debug", "describe_data", "dry_run", "flagfile", "help", "helpfull"),
    *("helpshort", "helpxml", "quiet", "strategy", "train_flagfile"),
    *("undefok", "version"),
)
"""Flags of the commands and of absl, which no setting may replace."""

STRATEGIES = Registry(
    "strategy",
    "strategies",
    {each.name: each for each in (DARTSStrategy(), RandomSearch())},
)


def register_strategy(strategy: Strategy) -> None:
    """Makes a strategy known to all functions and commands.

    Args:
        strategy: `tfdarts.Strategy`. It replaces a strategy of the same name.

    Raises:
        ValueError: If the object is not a strategy, or its name, `trains` or
            `settings` cannot be used.
    """
    if not isinstance(strategy, Strategy):
        raise ValueError(
            f"A strategy must be a tfdarts.Strategy. Received: {strategy!r}."
        )
    if not isinstance(strategy.name, str) or not strategy.name:
        raise ValueError(
            f"A strategy must have a name. Received: name={strategy.name!r}."
        )
    if strategy.trains not in ("supernet", "candidates"):
        raise ValueError(
            "`trains` of a strategy must be 'supernet' or 'candidates'. "
            f"Received: trains={strategy.trains!r}."
        )
    if not re.fullmatch(r"\w+", strategy.name):
        raise ValueError(
            "The name of a strategy may have letters, digits and underscores. "
            f"Received: name={strategy.name!r}."
        )
    if strategy.settings is not None:
        _require_settings_class(strategy.settings)
    STRATEGIES[strategy.name] = strategy


def _require_settings_class(settings):
    """Raises `ValueError` unless it is a dataclass of `tfdarts.Settings`."""
    is_class = isinstance(settings, type) and issubclass(settings, Settings)
    if not is_class or "__dataclass_fields__" not in vars(settings):
        raise ValueError(
            "`settings` of a strategy must be a subclass of tfdarts.Settings "
            "with @dataclasses.dataclass(frozen=True). Received: "
            f"settings={settings!r}."
        )
    for name in settings.__dataclass_fields__:
        if name in RESERVED_FLAGS:
            raise ValueError(
                f"A setting of a strategy cannot have the name {name}: "
                f"--{name} is a flag of all strategies or commands."
            )


def strategies():
    """Returns all strategies, in the order in which they were registered."""
    return [*STRATEGIES.values()]


def get_strategy(name):
    """Returns the strategy with this name.

    Raises:
        ValueError: If no strategy has this name.

    Example:

    >>> get_strategy("darts").trains
    'supernet'
    """
    return STRATEGIES.find(name)
