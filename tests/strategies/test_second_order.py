"""The second order through a real supernet, in float64."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from plain_loss import plain_loss
from test_darts import buffers_of

from tfdarts.layers.primitives import twice_differentiable
from tfdarts.models.cnn_supernet import CNNSupernet
from tfdarts.strategies import hypergradient
from tfdarts.strategies.darts import DARTS
from tfdarts.training.optimizers import SGD
from tfdarts.training.optimizers import Adam

XI, MOMENTUM, L2 = 0.1, 0.9, 3e-3


def batch(seed):
    random = np.random.default_rng(seed)
    images = random.normal(1.0, 1.0, (6, 4, 4, 1))
    return tf.constant(images), tf.constant(random.integers(0, 3, 6))


@pytest.fixture(scope="module")
def search():
    """All eight primitives; a step has given the momentum something."""
    keras.utils.set_random_seed(0)
    supernet = CNNSupernet(2, 3, 3, (4, 4, 1), num_nodes=1, dtype="float64")
    search = DARTS(supernet, order=2, dtype="float64")
    search.compile(
        SGD(XI, momentum=MOMENTUM, l2=L2), Adam(0.05), run_eagerly=True
    )
    search.train_step((batch(0), batch(1)))
    return search


@pytest.fixture(scope="module")
def oracle(search):
    buffers = buffers_of(search)
    return by_tapes(search.supernet, batch(2), batch(3), MOMENTUM, buffers)


def by_tapes(supernet, train, val, momentum, buffers=None):
    """The explicit term and the whole derivative."""
    train_loss, val_loss = (
        plain_loss(supernet, *train),
        plain_loss(supernet, *val),
    )
    weights = [tf.constant(v.numpy()) for v in supernet.network_weights]
    alphas = [tf.constant(v.numpy()) for v in supernet.alpha_variables]
    buffers = buffers or [tf.zeros_like(w) for w in weights]

    def virtual(weights, alphas):
        with tf.GradientTape() as tape:
            tape.watch(weights)
            loss = train_loss(weights, alphas)
        gradients = tape.gradient(loss, weights)
        return [
            w - XI * (momentum * b + g + L2 * w)
            for w, g, b in zip(weights, gradients, buffers)
        ]

    with twice_differentiable(), tf.GradientTape() as tape:
        tape.watch(alphas)
        objective = val_loss(virtual(weights, alphas), alphas)
    whole = tape.gradient(objective, alphas)
    held = virtual(weights, alphas)
    with tf.GradientTape() as tape:
        tape.watch(alphas)
        objective = val_loss(held, alphas)
    return tape.gradient(objective, alphas), whole


def difference(first, second):
    return np.concatenate([np.ravel(a - b) for a, b in zip(first, second)])


@pytest.mark.parametrize(
    ("method", "ratio", "bound"),
    [
        ("exact", None, 1e-9),
        ("central_difference", 1e-7, 1e-4),
        ("one_sided_difference", 1e-7, 1e-4),
    ],
)
def test_implicit_term_through_the_supernet(
    search, oracle, monkeypatch, method, ratio, bound
):
    if ratio:
        monkeypatch.setattr(hypergradient, "EPSILON_RATIO", ratio)
    monkeypatch.setattr(search, "method", method)
    explicit, whole = oracle
    _, gradients = search.alpha_gradients(batch(2), batch(3), XI)
    expected = difference(whole, explicit)
    error = difference(gradients, explicit) - expected
    assert np.linalg.norm(expected) > 1e-4 * np.linalg.norm(explicit[0])
    assert np.linalg.norm(error) < bound * np.linalg.norm(expected)


@pytest.mark.parametrize("method", hypergradient.METHODS)
def test_no_method_changes_anything(search, monkeypatch, method):
    monkeypatch.setattr(search, "method", method)
    everything = [
        *search.supernet.variables,
        *search.optimizer.variables,
        *search.alpha_optimizer.variables,
    ]
    before = [v.numpy() for v in everything]
    search.alpha_gradients(batch(2), batch(3), XI)
    for variable, value in zip(everything, before):
        np.testing.assert_array_equal(variable.numpy(), value)


def test_exact_product_survives_compilation():
    """Compiled, TensorFlow's own max pooling would add zeros to it."""
    supernet = CNNSupernet(
        2,
        3,
        3,
        (4, 4, 1),
        num_nodes=1,
        primitives=("max_pool_3x3", "dil_conv_3x3"),
        dtype="float64",
    )
    search = DARTS(supernet, method="exact", dtype="float64")
    search.compile(SGD(XI), Adam(0.05))
    loss = search._compiled_loss
    weights, alphas, state = loss.values()
    direction = tf.random.stateless_normal(
        weights.shape, (0, 1), dtype=tf.float64
    )
    penalty = tf.zeros((), tf.float64)
    values = weights, alphas, direction, state, penalty
    expected, *_ = loss._mixed_product_of_batch(*values, *batch(2))
    compiled, *_ = loss.mixed_product(values, [batch(2)])
    for one, other in zip(compiled, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_compiled_float32_is_float64_by_tapes():
    """Through the fused batch norms that a search on one device uses."""
    sizes = {"num_nodes": 2, "name": "supernet"}
    double = CNNSupernet(2, 3, 3, (8, 8, 1), dtype="float64", **sizes)
    search = DARTS(CNNSupernet(2, 3, 3, (8, 8, 1), **sizes), method="exact")
    search.compile(SGD(XI, momentum=0.0, l2=L2), Adam(0.05))
    double.set_weights(search.supernet.get_weights())
    random = np.random.default_rng(0)
    train, val = (
        (
            tf.constant(random.normal(1.0, 1.0, (6, 8, 8, 1))),
            tf.constant(random.integers(0, 3, 6)),
        )
        for _ in range(2)
    )
    explicit, whole = by_tapes(double, train, val, momentum=0.0)
    _, gradients = search.alpha_gradients(
        *((tf.cast(x, "float32"), y) for x, y in (train, val)), XI
    )
    expected = difference(whole, explicit)
    gradients = [tf.cast(g, tf.float64) for g in gradients]
    error = difference(gradients, explicit) - expected
    assert np.linalg.norm(error) < 1e-3 * np.linalg.norm(expected)
