"""Scores of untrained networks, against NumPy and closed forms."""

import keras
import numpy as np
import pytest

import tfdarts
from tfdarts.models.zero_cost import EPSILON
from tfdarts.models.zero_cost import grad_norm
from tfdarts.models.zero_cost import in_float64
from tfdarts.models.zero_cost import jacov
from tfdarts.models.zero_cost import synflow


def chain(*sizes, use_bias=False):
    """Dense layers with ReLUs between them, in double precision."""
    form = {"dtype": "float64", "use_bias": use_bias}
    x = inputs = keras.Input((sizes[0],), dtype="float64")
    for size in sizes[1:-1]:
        x = keras.layers.Dense(size, activation="relu", **form)(x)
    return keras.Model(inputs, keras.layers.Dense(sizes[-1], **form)(x))


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(1)


def test_synflow_of_a_chain():
    """Each of its layers conserves the signal."""
    network = chain(4, 5, 6, 3)
    matrices = [np.abs(w) for w in network.get_weights()]
    signal = np.ones(4) @ matrices[0] @ matrices[1] @ matrices[2]
    assert synflow(network) == pytest.approx(3 * signal.sum(), rel=1e-12)


def test_synflow_changes_nothing():
    network = chain(4, 5, 3)
    before = network.get_weights()
    synflow(network)
    for old, new in zip(before, network.get_weights()):
        np.testing.assert_array_equal(old, new)


def test_grad_norm_of_a_linear_model():
    network = chain(4, 3, use_bias=True)
    random = np.random.default_rng(0)
    x, y = random.normal(size=(7, 4)), random.integers(3, size=7)
    kernel, bias = network.get_weights()
    logits = x @ kernel + bias
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    errors = (shares - np.eye(3)[y]) / 7
    expected = np.linalg.norm(x.T @ errors) + np.linalg.norm(errors.sum(axis=0))
    assert grad_norm(network, x, y) == pytest.approx(expected, rel=1e-6)


def test_jacov_of_a_linear_model():
    """All images have the same gradients, so all correlations are one."""
    network = chain(6, 3)
    images = np.random.default_rng(0).normal(size=(5, 6))
    values = np.array([5.0, 0, 0, 0, 0]) + EPSILON
    expected = -np.sum(np.log(values) + 1 / values)
    assert jacov(network, images) == pytest.approx(expected, rel=1e-4)


def test_jacov_of_a_chain():
    network = chain(6, 8, 3)
    images = np.random.default_rng(0).normal(size=(5, 6))
    first, second = network.get_weights()
    active = images @ first > 0
    jacobian = (active * second.sum(axis=1)) @ first.T
    values = np.linalg.eigvalsh(np.corrcoef(jacobian)) + EPSILON
    expected = -np.sum(np.log(values) + 1 / values)
    assert jacov(network, images) == pytest.approx(expected, rel=1e-6)
    assert jacov(network, images) > jacov(chain(6, 3), images)


def test_double_precision_has_the_same_weights():
    network = tfdarts.CNNNetwork(
        tfdarts.genotypes.get("DARTS_V2"), 2, 3, 10, (8, 8, 3)
    )
    double = in_float64(network)
    assert double.input.dtype == "float64"
    for old, new in zip(network.get_weights(), double.get_weights()):
        np.testing.assert_array_equal(old, new)
    images = np.random.default_rng(0).normal(size=(2, 8, 8, 3))
    np.testing.assert_allclose(
        double(images), network(images.astype("float32")), rtol=1e-3, atol=1e-4
    )
    assert 0 < synflow(double) < np.inf
