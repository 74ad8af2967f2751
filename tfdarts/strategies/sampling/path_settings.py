"""Settings of supernets that are trained path by path."""

import dataclasses

from tfdarts.settings.fields import Settings


@dataclasses.dataclass(frozen=True)
class PathSettings(Settings):
    """Refuses spaces whose paths cannot be trained one by one."""

    def __post_init__(self):
        super().__post_init__()
        if "noise" in self.search_space.primitives:
            kind = "evaluator" if hasattr(self, "evaluator") else "strategy"
            flag = f"--{kind}={getattr(self, kind)}"
            raise ValueError(
                f"{flag} computes one operation of an edge, and cannot draw "
                f"that of the primitive noise: choose another --{kind}, or a "
                "--space without noise."
            )
