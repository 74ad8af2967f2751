"""A recurrent controller as an oracle of keras-tuner."""

from collections.abc import Callable

import numpy as np

from tfdarts.strategies.controllers.moving_baseline import MovingBaseline
from tfdarts.strategies.controllers.policy_gradient import PolicyGradient
from tfdarts.strategies.proposers.proposer import Proposer


class ControllerOracle(Proposer):
    """Draws genotypes from a recurrent controller, which learns from results.

    The advantage of a trial is how far its reward is above the moving average
    of the rewards. After every few trials, their advantages update the
    controller.

    Args:
        policy: `PolicyGradient` of a controller.
        baseline_decay: Float, the decay of the average of the rewards.
        trials_per_update: Integer, the trials of an update. Defaults to `1`.
        reward: Function of a trial's score, the number that is maximized, that
            returns its reward. Defaults to the score.
        **kwargs: See `keras_tuner.Oracle`. The hyperparameters are the
            decisions of the controller.

    References:

    - [Zoph and Le, 2017](https://arxiv.org/abs/1611.01578)
    - [Zoph et al., 2018](https://arxiv.org/abs/1707.07012)
    """

    def __init__(
        self,
        policy: PolicyGradient,
        baseline_decay: float,
        trials_per_update: int = 1,
        reward: Callable[[float], float] = float,
        **kwargs,
    ):
        self.policy = policy
        self.decisions = policy.controller.decisions
        super().__init__(
            hyperparameters=self.decisions.hyperparameters(), **kwargs
        )
        self.baseline = MovingBaseline(baseline_decay)
        self.trials_per_update = trials_per_update
        self.reward = reward
        self.batch = []

    def propose(self, generator: np.random.Generator) -> dict | None:
        (choices,) = self.policy.controller.sample(generator, 1)
        return self.decisions.to_values(choices.tolist())

    def learn(self, values: dict, loss: float) -> None:
        advantage = self.baseline.advantage(self.reward(-loss))
        choices = self.decisions.to_choices(values)
        self.batch.append({"choices": choices, "advantage": advantage})
        if len(self.batch) == self.trials_per_update:
            self.policy.update(
                np.array([each["choices"] for each in self.batch]),
                np.array([each["advantage"] for each in self.batch]),
            )
            self.batch = []

    def get_state(self) -> dict:
        return {
            **super().get_state(),
            "baseline": self.baseline.state,
            "batch": self.batch,
            "policy": self.policy.get_state(),
        }

    def set_state(self, state: dict) -> None:
        super().set_state(state)
        self.baseline.state = state["baseline"]
        self.batch = state["batch"]
        self.policy.set_state(state["policy"])
