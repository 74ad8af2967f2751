"""NASNet: a recurrent controller that PPO trains."""

import dataclasses

from tfdarts.settings.fields import setting
from tfdarts.strategies.proposers.controller_strategy import ControllerSettings
from tfdarts.strategies.proposers.controller_strategy import ControllerStrategy


@dataclasses.dataclass(frozen=True)
class NASNetSettings(ControllerSettings):
    """How PPO trains the controller."""

    needs_equal_cells = True

    ppo_epochs: int = setting(
        10, "Steps of each update, on all its candidates.", least=1
    )
    ppo_clip: float = setting(
        0.2,
        "How far the ratio of a candidate's new and old probability may be "
        "from 1 before the candidate moves the controller no further.",
        above=0,
        below=1,
    )


class NASNet(ControllerStrategy):
    """Trains a recurrent controller of cells by PPO.

    The paper gives no epochs and no clipping of PPO: these are of Schulman et
    al. A candidate's probability is the product of those of its decisions, so
    the ratio of PPO is that of whole candidates.

    References:

    - [Zoph et al., 2018](https://arxiv.org/abs/1707.07012)
    - [Schulman et al., 2017](https://arxiv.org/abs/1707.06347)
    """

    name = "nasnet"
    family = "Reinforcement learning"
    settings = NASNetSettings
    published = {"space": "nasnet"}

    def build_policy(self, config):
        return super().build_policy(
            config, epochs=config.ppo_epochs, clip=config.ppo_clip
        )
