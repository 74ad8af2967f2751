"""Random values for tests."""

import numpy as np


def image(*shape, seed=0):
    """Returns random images whose mean is not zero."""
    return np.random.default_rng(seed).normal(0.7, 1.5, shape)


def scramble(layer):
    """Moves each weight, so that no gamma is 1, no beta 0, no mean 0."""
    random = np.random.default_rng(1)
    for variable in layer.weights:
        noise = random.uniform(0.1, 0.9, variable.shape)
        variable.assign(variable + noise.astype(variable.dtype))
