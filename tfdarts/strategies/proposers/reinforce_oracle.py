"""REINFORCE on a table of probabilities, as an oracle of keras-tuner."""

import numpy as np

from tfdarts.strategies.controllers.moving_baseline import MovingBaseline
from tfdarts.strategies.proposers.proposer import Proposer

SPREAD = 1e-3
"""Standard deviation of the initial logits."""

MOMENTS = 0.9, 0.999
"""The decay of Adam's averages of the gradient and of its square."""


class ReinforceOracle(Proposer):
    """Draws each choice from a softmax of its own, and learns by REINFORCE.

    After each trial, Adam follows the gradient of the log-probability of its
    values, times how much better the trial was than the average so far.

    Args:
        policy_learning_rate: Float, of Adam.
        baseline_decay: Float, the decay of the average of the results.
        **kwargs: See `keras_tuner.Oracle`. The hyperparameters must be choices
            of a few values.

    References:

    - [Williams, 1992](https://doi.org/10.1007/BF00992696)
    - [Dong et al., 2021](https://arxiv.org/abs/2009.00437)
    """

    def __init__(
        self,
        policy_learning_rate: float = 0.01,
        baseline_decay: float = 0.9,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.learning_rate = policy_learning_rate
        self.baseline = MovingBaseline(baseline_decay)
        self.policy = {}

    def probabilities(self, hyperparameter):
        """Returns the probability of each value of a choice, an array."""
        logits = self._row(hyperparameter)["logits"]
        exponentials = np.exp(logits - np.max(logits))
        return exponentials / exponentials.sum()

    def draw(self, hyperparameter, generator):
        values = _values(hyperparameter)
        chosen = generator.choice(
            len(values), p=self.probabilities(hyperparameter)
        )
        return values[chosen]

    def propose(self, generator: np.random.Generator) -> dict | None:
        return self.sample(generator)

    def learn(self, values: dict, loss: float) -> None:
        advantage = self.baseline.advantage(-loss)
        for name, gradient in self.gradients(values).items():
            self._descend(self.policy[name], advantage * gradient)

    def gradients(self, values):
        """Returns the gradients of minus the log-probability, by choice.

        Args:
            values: Dict, the values of a trial.

        Returns:
            Dict from names to arrays: the gradients in the logits.
        """
        return {
            each.name: self.probabilities(each)
            - [value == values[each.name] for value in _values(each)]
            for each in self.hyperparameters.space
            if each.name in values
        }

    def _row(self, hyperparameter):
        """Returns the logits of a choice and the averages of Adam, a dict."""
        name = hyperparameter.name
        if name not in self.policy:
            number, size = len(self.policy), len(_values(hyperparameter))
            generator = np.random.default_rng([self.seed, 0, number])
            self.policy[name] = {
                "logits": (SPREAD * generator.normal(size=size)).tolist(),
                "mean": [0.0] * size,
                "square": [0.0] * size,
                "steps": 0,
            }
        return self.policy[name]

    def _descend(self, row, gradient):
        """Takes a step of Adam."""
        row["steps"] += 1
        averages = []
        for name, value, decay in zip(
            ("mean", "square"), (gradient, gradient**2), MOMENTS
        ):
            average = decay * np.array(row[name]) + (1 - decay) * value
            row[name] = average.tolist()
            averages.append(average / (1 - decay ** row["steps"]))
        mean, square = averages
        step = self.learning_rate * mean / (np.sqrt(square) + 1e-8)
        row["logits"] = (row["logits"] - step).tolist()

    def get_state(self) -> dict:
        return {
            **super().get_state(),
            "baseline": self.baseline.state,
            "policy": self.policy,
        }

    def set_state(self, state: dict) -> None:
        super().set_state(state)
        self.baseline.state = state["baseline"]
        self.policy = state["policy"]


def _values(hyperparameter):
    """Returns the values of a choice, a list.

    Raises:
        ValueError: If there is no list of them.
    """
    if getattr(hyperparameter, "step", True) is None:
        raise ValueError(
            f"A table of probabilities needs a list of the values of "
            f"{hyperparameter.name}: give it a step."
        )
    return [*hyperparameter.values]
