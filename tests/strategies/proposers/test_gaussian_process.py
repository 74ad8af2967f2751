"""Gaussian processes on distances, and what chooses the next candidate."""

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
from scipy.spatial.distance import cdist
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process import kernels

from tfdarts.strategies.proposers import gaussian_process
from tfdarts.strategies.proposers.gaussian_process import GaussianProcess
from tfdarts.strategies.proposers.gaussian_process import expected_improvement
from tfdarts.strategies.proposers.gaussian_process import lower_confidence_bound

GENERATOR = np.random.default_rng(0)
POINTS = GENERATOR.normal(size=(12, 2))
OTHERS = GENERATOR.normal(size=(5, 2))
TARGETS = np.sin(2 * POINTS[:, 0]) + POINTS[:, 1]
TARGETS = (TARGETS - TARGETS.mean()) / TARGETS.std()
DISTANCES = cdist(POINTS, POINTS)[None]
TO_OTHERS = cdist(OTHERS, POINTS)[None]


def scikit_learn(amplitude, length, noise, optimizer=None):
    """The same process: its lengths are shorter by the root of 2."""
    root = np.sqrt(2)
    scale = DISTANCES[DISTANCES > 0].mean()
    lengths = np.multiply(gaussian_process.LENGTHS, scale / root)
    kernel = kernels.ConstantKernel(
        amplitude, gaussian_process.AMPLITUDES
    ) * kernels.RBF(length / root, lengths) + kernels.WhiteKernel(
        noise, gaussian_process.NOISE
    )
    return GaussianProcessRegressor(
        kernel,
        alpha=0,
        optimizer=optimizer,
        n_restarts_optimizer=5,
        random_state=0,
    )


@pytest.mark.parametrize("given", [(1, 1, 0.01), (3, 0.4, 0.1)])
def test_predictions_and_likelihood_are_those_of_scikit_learn(given):
    parameters = np.log(given)
    process = GaussianProcess([2], parameters).condition(DISTANCES, TARGETS)
    mean, deviation = process.predict(TO_OTHERS)
    reference = scikit_learn(*given).fit(POINTS, TARGETS)
    expected, with_noise = reference.predict(OTHERS, return_std=True)
    np.testing.assert_allclose(mean, expected, rtol=1e-9)
    _, _, noise = given
    np.testing.assert_allclose(deviation**2 + noise, with_noise**2, rtol=1e-9)
    assert process.log_likelihood(
        DISTANCES, TARGETS, parameters
    ) == pytest.approx(reference.log_marginal_likelihood_value_)


@pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning"  # At a bound.
)
def test_the_fit_is_as_likely_as_that_of_scikit_learn():
    process = GaussianProcess([2]).fit(DISTANCES, TARGETS)
    found = process.log_likelihood(DISTANCES, TARGETS, process.parameters)
    reference = scikit_learn(1, 1, 0.01, "fmin_l_bfgs_b").fit(POINTS, TARGETS)
    best = reference.log_marginal_likelihood_value_
    assert found == pytest.approx(best, abs=1e-3)


def test_terms_are_added():
    distances = np.concatenate([DISTANCES, DISTANCES**0.5])
    to_others = np.concatenate([TO_OTHERS, TO_OTHERS**0.5])
    parameters = np.log([0.7, 1.5, 2.0, 0.5, 0.02])
    process = GaussianProcess([1, 2], parameters)
    mean, deviation = process.condition(distances, TARGETS).predict(to_others)

    def kernel(terms):
        one, other = terms
        return 0.7 * np.exp(-one / 2) + 1.5 * np.exp(-((other / 0.5) ** 2))

    covariance = kernel(distances) + 0.02 * np.eye(12)
    across = kernel(to_others)
    solved = np.linalg.solve(covariance, across.T)
    np.testing.assert_allclose(mean, solved.T @ TARGETS, rtol=1e-9)
    variance = 2.2 - np.sum(across.T * solved, axis=0)
    np.testing.assert_allclose(deviation**2, variance, rtol=1e-9)


def test_negative_eigenvalues_become_zero():
    # A star of four: no points of a plane or space have these distances.
    distances = np.full((5, 5), 2.0)
    distances[0] = distances[:, 0] = 1
    np.fill_diagonal(distances, 0)
    parameters, targets = np.log([1, 3, 0.01]), TARGETS[:5]
    kernel = np.exp(-((distances / 3) ** 2))
    values, vectors = np.linalg.eigh(kernel)
    assert values.min() < -0.01
    positive = vectors @ np.diag(values.clip(0)) @ vectors.T
    process = GaussianProcess([2], parameters)
    found = process.log_likelihood(distances[None], targets, parameters)
    covariance = positive + 0.01 * np.eye(5)
    normal = scipy.stats.multivariate_normal(np.zeros(5), covariance)
    assert found == pytest.approx(normal.logpdf(targets))
    process.condition(distances[None], targets)
    mean, deviation = process.predict(distances[None])
    expected = kernel @ np.linalg.solve(covariance, targets)
    np.testing.assert_allclose(mean, expected, rtol=1e-9)
    assert np.all(deviation > 0)


@pytest.mark.parametrize("number", [1, 3])
def test_few_or_equal_targets_are_fitted(number):
    distances, targets = np.zeros((1, number, number)), np.zeros(number)
    process = GaussianProcess([2]).fit(distances, targets)
    mean, deviation = process.condition(distances, targets).predict(distances)
    assert not mean.any() and np.all(deviation > 0)


@pytest.mark.parametrize("mean", [-1.0, 0.2, 3.0])
@pytest.mark.parametrize("deviation", [0.1, 1.0])
def test_the_expected_improvement_is_an_integral(mean, deviation):
    density = scipy.stats.norm(mean, deviation).pdf
    low = mean - 12 * deviation
    expected, _ = scipy.integrate.quad(
        lambda value: max(0.5 - value, 0) * density(value),
        *(low, max(low, 0.5)),
        points=[min(max(mean, low), max(low, 0.5))],
    )
    given = np.array([mean]), np.array([deviation])
    found = expected_improvement(*given, 0.5)
    assert found.item() == pytest.approx(expected, rel=1e-6, abs=1e-12)
    bound = lower_confidence_bound(*given, 2)
    assert scipy.stats.norm.cdf(bound, *given).item() == pytest.approx(
        0.02275, rel=1e-3
    )
