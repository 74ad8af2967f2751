"""The strategies by name."""

from tfdarts.registry import Registry
from tfdarts.settings.part_checks import require_name_and_settings
from tfdarts.strategies.gradient.beta_darts import BetaDARTS
from tfdarts.strategies.gradient.darts_es import DARTSES
from tfdarts.strategies.gradient.darts_minus import DARTSMinus
from tfdarts.strategies.gradient.darts_pt import DARTSPT
from tfdarts.strategies.gradient.drnas import DrNAS
from tfdarts.strategies.gradient.fair_darts import FairDARTS
from tfdarts.strategies.gradient.gaea import GAEA
from tfdarts.strategies.gradient.gdas import GDAS
from tfdarts.strategies.gradient.lambda_darts import LambdaDARTS
from tfdarts.strategies.gradient.oles import OLES
from tfdarts.strategies.gradient.p_darts import PDARTS
from tfdarts.strategies.gradient.pc_darts import PCDARTS
from tfdarts.strategies.gradient.robust_darts import RobustDARTS
from tfdarts.strategies.gradient.sdarts import SDARTS
from tfdarts.strategies.gradient.sgas import SGAS
from tfdarts.strategies.gradient.shapley_nas import ShapleyNAS
from tfdarts.strategies.gradient.snas import SNAS
from tfdarts.strategies.proposers.auto_keras import AutoKeras
from tfdarts.strategies.proposers.bayesian import Bayesian
from tfdarts.strategies.proposers.evolution import Evolution
from tfdarts.strategies.proposers.hierarchical_evolution import (
    HierarchicalEvolution,
)
from tfdarts.strategies.proposers.local_search import LocalSearch
from tfdarts.strategies.proposers.nas_rl import NASRL
from tfdarts.strategies.proposers.nasbot import NASBOT
from tfdarts.strategies.proposers.nasnet_search import NASNet
from tfdarts.strategies.proposers.pnas import PNAS
from tfdarts.strategies.proposers.random_search import RandomSearch
from tfdarts.strategies.sampling.enas import ENAS
from tfdarts.strategies.sampling.random_sharing import RandomSharing
from tfdarts.strategies.strategy import DARTSStrategy
from tfdarts.strategies.strategy import Strategy

STRATEGIES = Registry(
    "strategy",
    "strategies",
    {
        each.name: each
        for each in (
            DARTSStrategy(),
            BetaDARTS(),
            FairDARTS(),
            GAEA(),
            SDARTS(),
            DARTSES(),
            RobustDARTS(),
            OLES(),
            LambdaDARTS(),
            SNAS(),
            GDAS(),
            PCDARTS(),
            ShapleyNAS(),
            DARTSMinus(),
            DrNAS(),
            PDARTS(),
            SGAS(),
            DARTSPT(),
            RandomSharing(),
            ENAS(),
            RandomSearch(),
            LocalSearch(),
            Evolution(),
            HierarchicalEvolution(),
            NASRL(),
            NASNet(),
            Bayesian(),
            PNAS(),
            NASBOT(),
            AutoKeras(),
        )
    },
)


def register_strategy(strategy: Strategy) -> None:
    """Makes a strategy known to all functions and commands.

    Args:
        strategy: `tfdarts.Strategy`. It replaces a strategy of the same name.

    Raises:
        ValueError: If the object is not a strategy, lacks `run`, or its name,
            `trains` or `settings` cannot be used.
    """
    if not isinstance(strategy, Strategy):
        raise ValueError(
            f"A strategy must be a tfdarts.Strategy. Received: {strategy!r}."
        )
    require_name_and_settings("strategy", strategy)
    if strategy.trains not in ("supernet", "candidates"):
        raise ValueError(
            f"`trains` of the strategy {strategy.name} must be 'supernet' or "
            f"'candidates'. Received: trains={strategy.trains!r}."
        )
    if type(strategy).run is Strategy.run:
        raise ValueError(
            f"The strategy {strategy.name} must have a method `run(search)`."
        )
    STRATEGIES[strategy.name] = strategy


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
