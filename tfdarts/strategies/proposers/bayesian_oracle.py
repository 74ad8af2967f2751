"""The Bayesian optimization of keras-tuner, resumed exactly."""

import warnings

import keras_tuner
from sklearn.exceptions import ConvergenceWarning

from tfdarts.strategies.proposers.proposer import ResumableOracle


class BayesianOracle(
    ResumableOracle, keras_tuner.oracles.BayesianOptimizationOracle
):
    """Keras-tuner's Bayesian optimization with a Gaussian process.

    Args:
        max_trials: Integer, or `None` for no limit, the default; that of
            keras-tuner's class is 10.
        **kwargs: See `keras_tuner.oracles.BayesianOptimizationOracle`.

    Reference:

    - [Snoek et al., 2012](https://arxiv.org/abs/1206.2944)
    """

    def __init__(self, max_trials=None, **kwargs):
        super().__init__(max_trials=max_trials, **kwargs)

    def populate_space(self, trial_id):
        with warnings.catch_warnings():
            # The kernel of few trials often meets the bounds of its scale.
            warnings.simplefilter("ignore", ConvergenceWarning)
            return super().populate_space(trial_id)

    def get_state(self) -> dict:
        name, keys, *rest = self._random_state.get_state()
        return {
            **super().get_state(),
            "random_state": [name, keys.tolist(), *rest],
        }

    def set_state(self, state: dict) -> None:
        super().set_state(state)
        self._random_state.set_state(state["random_state"])
