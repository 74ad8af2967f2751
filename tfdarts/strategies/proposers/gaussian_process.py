"""Gaussian processes whose kernels are functions of distances."""

import numpy as np
import scipy.linalg
import scipy.optimize
import scipy.stats

AMPLITUDES = 0.01, 100.0
"""The range of the amplitude of a term, in variances of the targets."""

NOISE = 0.005, 0.2
"""The range of the variance of the noise, in variances of the targets."""

LENGTHS = 0.05, 20.0
"""The range of a length scale, in means of the distances."""

MOST_LIKELIHOODS = 100
"""The most computations of the likelihood for a fit."""

LEAST_VARIANCE = 1e-12
"""Keeps square roots real where rounding makes a variance negative."""


class GaussianProcess:
    """A Gaussian process on things of which only distances are known.

    The kernel is a sum of terms, `amplitude * exp(-(distance / length) **
    power)`. A distance is not always Euclidean, so a kernel matrix may have
    negative eigenvalues: they become zero.

    Args:
        powers: Sequence of numbers, the power of each term.
        parameters: Sequence of the logarithms of the amplitudes, the lengths
            and the variance of the noise, or `None` before `fit`.

    Example:

    >>> points = np.array([0.0, 1.0, 3.0])
    >>> distances = abs(points[:, None] - points)[None]
    >>> process = GaussianProcess([2])
    >>> targets = np.array([-1.0, 0.0, 1.0])
    >>> _ = process.fit(distances, targets).condition(distances, targets)
    >>> mean, deviation = process.predict(distances)
    >>> bool(np.all(np.diff(mean) > 0)), deviation.shape
    (True, (3,))

    References:

    - [Rasmussen and Williams, 2006](https://gaussianprocess.org/gpml/),
      algorithm 2.1
    - [Kandasamy et al., 2018](https://arxiv.org/abs/1802.07191), whose code
      has these ranges of amplitude and noise
    """

    def __init__(self, powers, parameters=None):
        self.powers = np.reshape(powers, (-1, 1, 1))
        self.parameters = parameters

    def fit(self, distances, targets):
        """Sets the parameters that maximize the marginal likelihood.

        The search begins at the parameters so far, if any.

        Args:
            distances: Array `(terms, examples, examples)`.
            targets: Array `(examples,)` with mean 0 and variance 1.

        Returns:
            The process.
        """
        terms = len(self.powers)
        scales = [_mean_distance(each) for each in distances]
        ranges = [
            *[AMPLITUDES] * terms,
            *(np.multiply(LENGTHS, scale) for scale in scales),
            NOISE,
        ]
        lowest, highest = np.log(ranges).T
        start = self.parameters
        if start is None:
            start = np.log([*[1 / terms] * terms, *scales, 2 * NOISE[0]])
        found = scipy.optimize.minimize(
            lambda given: -self.log_likelihood(distances, targets, given),
            np.clip(start, lowest, highest),
            method="L-BFGS-B",
            bounds=np.transpose([lowest, highest]),
            options={"maxfun": MOST_LIKELIHOODS},
        )
        self.parameters = found.x.tolist()
        return self

    def log_likelihood(self, distances, targets, parameters):
        """Returns the logarithm of the marginal likelihood of targets.

        Args:
            distances: Array `(terms, examples, examples)`.
            targets: Array `(examples,)`.
            parameters: See `GaussianProcess`.
        """
        variances, vectors = self._decompose(distances, parameters)
        squares = (vectors.T @ targets) ** 2 / variances
        return -0.5 * np.sum(squares + np.log(2 * np.pi * variances))

    def condition(self, distances, targets):
        """Takes examples, for `predict`.

        Args:
            distances: Array `(terms, examples, examples)`.
            targets: Array `(examples,)`.

        Returns:
            The process.
        """
        variances, vectors = self._decompose(distances, self.parameters)
        self._whitening = vectors / np.sqrt(variances)
        self._weights = self._whitening @ (self._whitening.T @ targets)
        return self

    def predict(self, distances):
        """Returns the means and the deviations of the targets of others.

        Args:
            distances: Array `(terms, others, examples)`, the distances to the
                examples of `condition`.

        Returns:
            Two arrays `(others,)`. The deviations are without noise.
        """
        kernel = self.kernel(distances, self.parameters)
        amplitudes, _, _ = self._split(self.parameters)
        explained = np.sum((kernel @ self._whitening) ** 2, axis=1)
        variance = np.maximum(amplitudes.sum() - explained, LEAST_VARIANCE)
        return kernel @ self._weights, np.sqrt(variance)

    def kernel(self, distances, parameters):
        """Returns the covariances at distances, a matrix.

        Args:
            distances: Array `(terms, rows, columns)`.
            parameters: See `GaussianProcess`.
        """
        amplitudes, lengths, _ = self._split(parameters)
        terms = amplitudes * np.exp(-((distances / lengths) ** self.powers))
        return terms.sum(axis=0)

    def _split(self, parameters):
        """Returns the amplitudes, the lengths and the noise."""
        *kernel, noise = np.exp(parameters)
        return *np.reshape(kernel, (2, -1, 1, 1)), noise

    def _decompose(self, distances, parameters):
        """Returns the eigenvalues, with noise, and vectors of the kernel."""
        kernel = self.kernel(distances, parameters)
        values, vectors = scipy.linalg.eigh(kernel)
        _, _, noise = self._split(parameters)
        return np.maximum(values, 0) + noise, vectors


def _mean_distance(distances):
    """Returns the mean distance of different things; 1 if there are none."""
    positive = distances[distances > 0]
    return positive.mean() if positive.size else 1.0


def expected_improvement(mean, deviation, best):
    """Returns by how much predictions are expected to fall below the best.

    Args:
        mean: Array, the means of the predictions.
        deviation: Array, their standard deviations.
        best: Number, the lowest target so far.

    Example:

    >>> improvement = expected_improvement(np.zeros(1), np.ones(1), 0.0)
    >>> round(improvement.item(), 4)  # 1 / sqrt(2 pi)
    0.3989

    Reference:

    - [Jones et al., 1998](https://doi.org/10.1023/A:1008306431147), equation
      15
    """
    below = (best - mean) / deviation
    normal = scipy.stats.norm
    return deviation * (below * normal.cdf(below) + normal.pdf(below))


def lower_confidence_bound(mean, deviation, beta):
    """Returns the bound below which predictions will hardly fall.

    Args:
        mean: Array, the means of the predictions.
        deviation: Array, their standard deviations.
        beta: Number, how many deviations the bound is below the mean.

    Example:

    >>> lower_confidence_bound(np.array([1.0]), np.array([0.5]), 2)
    array([0.])

    Reference:

    - [Auer et al., 2002](https://doi.org/10.1023/A:1013689704352)
    """
    return mean - beta * deviation
