"""The architecture parameters."""

import numpy as np
import pytest

from tfdarts.layers.alphas import Alphas


def test_first_values_are_small_and_normal():
    values = Alphas(200, 100).alpha.numpy()
    assert values.std() == pytest.approx(1e-3, rel=0.05)
    assert abs(values.mean()) < 1e-4
    assert np.abs(values).max() > 3e-3  # a normal distribution has tails


def test_edge_weights_are_the_softmax_of_each_row():
    alphas = Alphas(2, 3)
    values = np.array([[0.0, 1.0, 2.0], [-50.0, 0.0, 50.0]])
    alphas.alpha.assign(values)
    expected = np.exp(values) / np.exp(values).sum(axis=1, keepdims=True)
    weights = np.asarray(alphas.edge_weights())
    np.testing.assert_allclose(weights, expected, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, rtol=1e-6)


def test_one_variable_that_only_a_search_trains():
    alphas = Alphas(14, 8)
    assert [tuple(v.shape) for v in alphas.alpha_variables] == [(14, 8)]
    assert not alphas.trainable_variables
    alphas.build()
    assert len(alphas.variables) == 1
