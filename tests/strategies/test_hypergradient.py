"""The hypergradient against closed forms and exact derivatives."""

import numpy as np
import pytest
import tensorflow as tf

from tfdarts.strategies.hypergradient import hypergradient


def train_loss(weights, alphas):
    """The paper's figure 2."""
    (w,), (a,) = weights, alphas
    return w * w - 2 * w * a + a * a


def val_loss(weights, alphas):
    (w,), (a,) = weights, alphas
    return w * a - 2 * a + 1


def toy_gradient(w, a, xi, method):
    def virtual_step(weights, gradients):
        return [w - xi * g for w, g in zip(weights, gradients)]

    return hypergradient(
        train_loss,
        val_loss,
        [tf.constant(w, tf.float64)],
        [tf.constant(a, tf.float64)],
        virtual_step,
        xi,
        method,
    )[0].numpy()


@pytest.mark.parametrize("xi", [0.5, 0.1, 0.0])
@pytest.mark.parametrize(("w", "a"), [(-2.0, 2.0), (0.3, -1.0)])
def test_toy_gradient_is_the_closed_form(w, a, xi):
    virtual = w - 2 * xi * (w - a)
    expected = (virtual - 2) + 2 * xi * a
    assert toy_gradient(w, a, xi, "central_difference") == pytest.approx(
        expected, rel=1e-9
    )


def test_without_a_virtual_step_second_order_is_first_order():
    first = toy_gradient(-2.0, 2.0, 0.5, "first_order")
    assert first == -4.0
    assert toy_gradient(-2.0, 2.0, 0.0, "central_difference") == first


@pytest.mark.parametrize(("xi", "optimum"), [(0.5, 1.0), (0.0, 2.0)])
def test_toy_descends_to_where_the_paper_says(xi, optimum):
    """With ξ the optimum of the bilevel problem, (1, 1); without it (2, 2)."""
    w, a, rate = -2.0, 2.0, 0.1
    for _ in range(400):
        a -= rate * toy_gradient(w, a, xi, "central_difference")
        w -= rate * 2 * (w - a)
    assert (w, a) == pytest.approx((optimum, optimum), abs=1e-3)


@pytest.fixture
def network():
    """A small network with batch norm written out, in float64."""
    random = np.random.default_rng(0)

    def tensor(*shape, shift=0.0):
        return tf.constant(random.normal(shift, 1.0, shape))

    def loss(x, y):
        def of(weights, alphas):
            first, second = weights
            (alpha,) = alphas
            hidden = x @ first + 3.0
            mean = tf.reduce_mean(hidden, 0)
            variance = tf.reduce_mean(tf.square(hidden - mean), 0)
            hidden = (hidden - mean) * tf.math.rsqrt(variance + 1e-5)
            mixture = tf.nn.softmax(alpha)
            hidden = mixture[0] * tf.tanh(hidden) + mixture[1] * tf.sin(hidden)
            return tf.reduce_mean(tf.square(hidden @ second - y))

        return of

    return {
        "train_loss": loss(tensor(16, 5, shift=1.0), tensor(16, 2)),
        "val_loss": loss(tensor(16, 5, shift=1.0), tensor(16, 2)),
        "weights": [tensor(5, 4), tensor(4, 2)],
        "alphas": [tensor(3)],
        "momentums": [tensor(5, 4), tensor(4, 2)],
    }


@pytest.mark.parametrize("xi", [0.05, 0.2])
def test_difference_is_the_exact_derivative_of_the_virtual_objective(
    network, xi
):
    """∇α of L_val(w'(α), α), by one tape through the virtual step."""
    momentum, l2 = 0.9, 0.01
    weights, alphas = network["weights"], network["alphas"]

    def virtual_step(weights, gradients):
        return [
            w - xi * (momentum * m + g + l2 * w)
            for w, g, m in zip(weights, gradients, network["momentums"])
        ]

    with tf.GradientTape() as outer:
        outer.watch(alphas)
        with tf.GradientTape() as inner:
            inner.watch(weights)
            loss = network["train_loss"](weights, alphas)
        virtual = virtual_step(weights, inner.gradient(loss, weights))
        objective = network["val_loss"](virtual, alphas)
    (exact,) = outer.gradient(objective, alphas)

    def gradient(method):
        return hypergradient(
            network["train_loss"],
            network["val_loss"],
            weights,
            alphas,
            virtual_step,
            xi,
            method,
        )[0]

    virtual = virtual_step(*_train_gradient(network))
    with tf.GradientTape() as tape:
        tape.watch(alphas)
        loss = network["val_loss"](virtual, alphas)
    (explicit,) = tape.gradient(loss, alphas)
    implicit = gradient("central_difference") - explicit
    error = tf.norm(implicit - (exact - explicit)) / tf.norm(exact - explicit)
    assert error < 1e-3
    assert tf.norm(gradient("first_order") - exact) > 1e-4 * tf.norm(exact)


def _train_gradient(network):
    with tf.GradientTape() as tape:
        tape.watch(network["weights"])
        loss = network["train_loss"](network["weights"], network["alphas"])
    return network["weights"], tape.gradient(loss, network["weights"])


def test_unknown_method_is_refused():
    with pytest.raises(ValueError, match="`method` must be one of"):
        toy_gradient(0.0, 0.0, 0.5, "third_order")
