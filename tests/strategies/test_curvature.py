"""The largest eigenvalue of the loss's Hessian in alpha."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from plain_loss import plain_loss

from tfdarts.layers.primitives import twice_differentiable
from tfdarts.models.cnn_supernet import CNNSupernet
from tfdarts.strategies.curvature import largest_eigenvalue
from tfdarts.strategies.darts import DARTS
from tfdarts.strategies.hypergradient import Objective
from tfdarts.training.optimizers import SGD
from tfdarts.training.optimizers import Adam


@pytest.mark.parametrize("eigenvalues", [(1, 2, 5), (-9, 1, 3), (-3, -2, -1)])
def test_it_is_the_largest_whatever_the_others_are(eigenvalues):
    random = np.random.default_rng(0)
    basis, _ = np.linalg.qr(random.normal(size=(30, 30)))
    spectrum = np.concatenate(
        [eigenvalues, random.uniform(eigenvalues[0], eigenvalues[1], 27)]
    )
    matrix = basis @ np.diag(spectrum) @ basis.T
    calls = []

    def product(vector):
        calls.append(vector)
        flat = np.concatenate([np.ravel(part) for part in vector])
        first, second = np.split(matrix @ flat, [6])
        return [tf.constant(first.reshape(2, 3)), tf.constant(second)]

    like = [tf.zeros((2, 3), tf.float64), tf.zeros(24, tf.float64)]
    found = largest_eigenvalue(product, like)
    assert found == pytest.approx(np.linalg.eigvalsh(matrix)[-1], rel=1e-3)
    assert len(calls) < 40
    assert calls[0][0].shape == (2, 3) and calls[0][1].shape == (24,)


def test_alpha_product_is_that_of_the_closed_form():
    """Of Σ w a³ + (a·b)² / 2, by hand."""

    def loss(weights, alphas):
        (w,), (a, b) = weights, alphas
        return tf.reduce_sum(w * a**3) + tf.reduce_sum(a * b) ** 2 / 2

    random = np.random.default_rng(0)
    w, a, b, u, v = (random.normal(size=4) for _ in range(5))
    of_a, of_b = Objective(loss).alpha_product(
        [tf.constant(w)],
        [tf.constant(a), tf.constant(b)],
        [tf.constant(u), tf.constant(v)],
    )
    along = u @ b + v @ a
    np.testing.assert_allclose(of_a, 6 * w * a * u + along * b + (a @ b) * v)
    np.testing.assert_allclose(of_b, along * a + (a @ b) * u)


@pytest.fixture(scope="module")
def search():
    """Float64, alphas that differ."""
    keras.utils.set_random_seed(0)
    supernet = CNNSupernet(
        *(2, 3, 3, (4, 4, 1)),
        num_nodes=1,
        primitives=("max_pool_3x3", "skip_connect", "sep_conv_3x3"),
        dtype="float64",
    )
    search = DARTS(supernet, dtype="float64")
    search.compile(SGD(0.1), Adam(0.05))
    for variable in supernet.alpha_variables:
        variable.assign(keras.random.normal(variable.shape, dtype="float64"))
    return search


def batch():
    random = np.random.default_rng(1)
    images = random.normal(1.0, 1.0, (6, 4, 4, 1))
    return tf.constant(images), tf.constant(random.integers(0, 3, 6))


def test_curvature_is_that_of_the_whole_hessian(search):
    """The matrix is made of differences of gradients, column by column."""
    supernet = search.supernet
    loss = plain_loss(supernet, *batch())
    weights = [tf.constant(v.numpy()) for v in supernet.network_weights]
    alphas = [v.numpy() for v in supernet.alpha_variables]
    shapes = [alpha.shape for alpha in alphas]
    size = alphas[0].size

    @tf.function
    def gradient(flat):
        with tf.GradientTape() as tape:
            tape.watch(flat)
            parts = [
                tf.reshape(p, s) for p, s in zip(tf.split(flat, 2), shapes)
            ]
            value = loss(weights, parts)
        return tape.gradient(value, flat)

    here = np.concatenate([alpha.ravel() for alpha in alphas])
    steps = 1e-5 * np.eye(2 * size)
    hessian = np.stack(
        [(gradient(here + s) - gradient(here - s)) / 2e-5 for s in steps]
    )
    np.testing.assert_allclose(hessian, hessian.T, atol=1e-6)
    expected = np.linalg.eigvalsh(hessian)[-1]
    assert expected > 1e-3
    before = [variable.numpy() for variable in search.supernet.variables]
    found = search.alpha_curvature(batch())
    assert found == pytest.approx(expected, rel=2e-3)
    for variable, value in zip(search.supernet.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)

    # A product, too, for what all max poolings add.
    direction = np.random.default_rng(2).normal(size=2 * size)
    with twice_differentiable():
        product = Objective(loss).alpha_product(
            weights,
            [tf.constant(alpha) for alpha in alphas],
            [
                tf.constant(p.reshape(s))
                for p, s in zip(np.split(direction, 2), shapes)
            ],
        )
    flat = np.concatenate([np.ravel(part) for part in product])
    np.testing.assert_allclose(flat, hessian @ direction, atol=1e-6)
