"""Upper bounds of what the network of a genotype may cost."""

import dataclasses

from tfdarts.arguments import amount
from tfdarts.settings.fields import FromPython
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import setting

_NETWORK = (
    "of the network that tfdarts-train builds from the genotype. A genotype "
    "above the bound is never trained."
)


@dataclasses.dataclass(frozen=True)
class NetworkLimits(Settings):
    """What the networks of candidates may cost."""

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
