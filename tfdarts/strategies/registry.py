"""The strategies by name."""

from tfdarts.strategies.random_search import RandomSearch
from tfdarts.strategies.strategy import DARTSStrategy
from tfdarts.strategies.strategy import Strategy

_STRATEGIES = {}


def register_strategy(strategy):
    """Makes a strategy known to all functions and commands.

    Args:
        strategy: `tfdarts.Strategy`. It replaces a strategy of the same name.

    Raises:
        ValueError: If the object is not a strategy, or its `trains` is
            unknown.
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
            f"A strategy trains a supernet or candidates. Received: "
            f"trains={strategy.trains!r}."
        )
    _STRATEGIES[strategy.name] = strategy


def strategies():
    """Returns all strategies, in the order in which they were registered."""
    return [*_STRATEGIES.values()]


def strategy_named(name):
    """Returns the strategy with this name.

    Raises:
        ValueError: If no strategy has this name.

    Example:

    >>> strategy_named("darts").trains
    'supernet'
    """
    if name not in _STRATEGIES:
        raise ValueError(
            f"There is no strategy {name!r}. The strategies are: "
            f"{', '.join(_STRATEGIES)}."
        )
    return _STRATEGIES[name]


register_strategy(DARTSStrategy())
register_strategy(RandomSearch())
