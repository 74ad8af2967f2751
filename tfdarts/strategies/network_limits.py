"""Upper bounds of what the network of a genotype may cost."""

import dataclasses

from tfdarts.arguments import amount
from tfdarts.settings.fields import FromPython
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import setting

_NETWORK = (
    "of the network that tfdarts-train builds from the genotype. No candidate "
    "and no result exceeds the bound."
)


@dataclasses.dataclass(frozen=True)
class NetworkLimits(Settings):
    """What the networks of candidates and results may cost."""

    max_parameters: FromPython = setting(
        None,
        f"The largest number of parameters, such as 500k, {_NETWORK}",
        form=amount,
    )
    max_multiply_adds: FromPython = setting(
        None,
        f"The largest number of multiply-adds for an image, such as 50M, "
        f"{_NETWORK}",
        form=amount,
    )
    max_milliseconds: float = setting(
        0.0,
        "The longest time for an image on this machine, the median of 20 "
        f"calls, {_NETWORK} 0: no bound.",
        least=0,
    )

    @property
    def network_limits(self):
        """The bounds that are given, a dict by the name of the cost."""
        limits = {
            "parameters": self.max_parameters,
            "multiply_adds": self.max_multiply_adds,
            "milliseconds": self.max_milliseconds,
        }
        return {name: limit for name, limit in limits.items() if limit}


LIMITED_DERIVATIONS = ("strongest", "all_edges")
"""The rules of derivation that limits can be added to."""


def require_limits_apply(config):
    """Raises `ValueError` if a gradient method cannot keep its limits.

    Args:
        config: The settings of a search.
    """
    from tfdarts.strategies.strategy_registry import get_strategy

    if not config.network_limits:
        return
    strategy = get_strategy(config.strategy)
    if strategy.trains != "supernet":
        return
    flags = ", ".join(f"--max_{name}" for name in config.network_limits)
    reason = None
    if not strategy.takes_limits:
        reason = f"--strategy={strategy.name} has no loss of alpha to add it to"
    elif config.derivation not in LIMITED_DERIVATIONS:
        reason = (
            f"--derivation={config.derivation} chooses edges whatever they cost"
        )
    elif config.has_stages:
        reason = (
            "--stage_primitives keeps primitives between stages, whatever "
            "they cost"
        )
    if reason:
        raise ValueError(
            f"{reason}, so it takes no {flags}: give another --strategy or "
            "--derivation, such as those of --strategy=darts, or leave "
            f"{flags} out."
        )
