"""Oracles of keras-tuner for numbers, which resume exactly."""

import keras_tuner

from tfdarts.strategies.proposers.bayesian_oracle import BayesianOracle
from tfdarts.strategies.proposers.proposer import ResumableOracle


class RandomOracle(ResumableOracle, keras_tuner.oracles.RandomSearchOracle):
    """Keras-tuner's random search."""


class HyperbandOracle(ResumableOracle, keras_tuner.oracles.HyperbandOracle):
    """Keras-tuner's Hyperband.

    Reference:

    - [Li et al., 2018](https://arxiv.org/abs/1603.06560)
    """


def build_oracle(tuning, tuned, objective, max_epochs, seed):
    """Returns the oracle that proposes values.

    Args:
        tuning: `tfdarts.TuneConfig`.
        tuned: List of `tfdarts.tasks.tuned_settings.Tuned`.
        objective: String, the name of what is minimized.
        max_epochs: Integer, the epochs of the longest training.
        seed: Integer.
    """
    space = keras_tuner.HyperParameters()
    for each in tuned:
        if each.is_integer:
            space.Int(each.name, round(each.low), round(each.high))
        else:
            sampling = "log" if each.is_log else "linear"
            space.Float(each.name, each.low, each.high, sampling=sampling)
    common = {
        "objective": keras_tuner.Objective(objective, "min"),
        "hyperparameters": space,
        "seed": seed,
    }
    if tuning.tuner == "hyperband":
        return HyperbandOracle(
            max_epochs=max_epochs, factor=tuning.factor, **common
        )
    kind = {"random": RandomOracle, "bayesian": BayesianOracle}[tuning.tuner]
    return kind(max_trials=tuning.max_trials, **common)
