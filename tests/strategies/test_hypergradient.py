"""The hypergradient against closed forms and exact derivatives."""

import numpy as np
import pytest
import tensorflow as tf

from tfdarts.strategies import hypergradient as module
from tfdarts.strategies.hypergradient import hypergradient


def train_loss(weights, alphas):
    """The paper's figure 2."""
    (w,), (a,) = weights, alphas
    return w * w - 2 * w * a + a * a


def val_loss(weights, alphas):
    (w,), (a,) = weights, alphas
    return w * a - 2 * a + 1


def toy_gradient(w, a, xi, method):
    def virtual_step(gradients, weights):
        return [w - xi * g for w, g in zip(weights, gradients)]

    return hypergradient(
        train_loss,
        val_loss,
        [tf.constant(w, tf.float64)],
        [tf.constant(a, tf.float64)],
        virtual_step,
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


MOMENTUM, L2, XI, CLIP = 0.9, 0.01, 0.2, 0.5


class Bilevel:
    """A small network with batch norm written out, in float64.

    What goes into the batch norm has a mean: TensorFlow's own moments, which
    leave it out of the second derivative, would be off by a third.
    """

    def __init__(self):
        self.random = np.random.default_rng(0)
        self.train_loss = self.loss()
        self.val_loss = self.loss()
        self.weights = [self.tensor(5, 4), self.tensor(4, 2)]
        self.alphas = [self.tensor(3)]
        self.momentums = [self.tensor(5, 4), self.tensor(4, 2)]

    def tensor(self, *shape, shift=0.0):
        return tf.constant(self.random.normal(shift, 1.0, shape))

    def loss(self):
        x, y = self.tensor(16, 5, shift=1.0), self.tensor(16, 2)

        def of(weights, alphas):
            first, second = weights
            mixture = tf.nn.softmax(alphas[0])
            hidden = x @ first + 3.0
            mean = tf.reduce_mean(hidden, 0)
            variance = tf.reduce_mean(tf.square(hidden - mean), 0)
            hidden = (hidden - mean) * tf.math.rsqrt(variance + 1e-5)
            hidden = mixture[0] * tf.tanh(hidden) + mixture[1] * tf.sin(hidden)
            return tf.reduce_mean(tf.square(hidden @ second - y))

        return of

    def virtual_step(self, gradients, weights):
        return [
            w - XI * (MOMENTUM * m + g + L2 * w)
            for w, g, m in zip(weights, gradients, self.momentums)
        ]

    def clipped_step(self, gradients, weights):
        clipped, norm = tf.clip_by_global_norm(gradients, CLIP)
        tf.debugging.assert_greater(norm, tf.constant(CLIP, tf.float64))
        return self.virtual_step(clipped, weights)

    def train_gradients(self, weights, alphas):
        with tf.GradientTape() as tape:
            tape.watch([weights, alphas])
            loss = self.train_loss(weights, alphas)
        return tape.gradient(loss, [weights, alphas])

    def val_gradients(self, weights):
        with tf.GradientTape() as tape:
            tape.watch([weights, self.alphas])
            loss = self.val_loss(weights, self.alphas)
        return tape.gradient(loss, [weights, self.alphas])

    def explicit(self, virtual_step):
        """∇α L_val(w', α) with w' held."""
        gradients, _ = self.train_gradients(self.weights, self.alphas)
        virtual = virtual_step(gradients, self.weights)
        return self.val_gradients(virtual)[1][0]

    def whole(self, virtual_step):
        """dL_val(w'(α), α)/dα, by one tape through the virtual step."""
        with tf.GradientTape() as tape:
            tape.watch(self.alphas)
            gradients, _ = self.train_gradients(self.weights, self.alphas)
            virtual = virtual_step(gradients, self.weights)
            loss = self.val_loss(virtual, self.alphas)
        return tape.gradient(loss, self.alphas)[0]

    def implicit(self, virtual_step):
        return self.whole(virtual_step) - self.explicit(virtual_step)


@pytest.fixture(scope="module")
def bilevel():
    return Bilevel()


def error(estimate, exact):
    return float(tf.norm(estimate - exact) / tf.norm(exact))


@pytest.mark.parametrize("step", ["virtual_step", "clipped_step"])
@pytest.mark.parametrize(
    ("method", "ratio", "bound"),
    [
        ("exact", None, 1e-10),
        ("central_difference", 1e-3, 1e-4),
        ("central_difference", 1e-2, 1e-3),
        ("one_sided_difference", 1e-6, 1e-4),
    ],
)
def test_implicit_term_is_the_exact_derivative(
    bilevel, monkeypatch, step, method, ratio, bound
):
    """The implicit term alone: on the whole gradient mutants would pass."""
    if ratio:
        monkeypatch.setattr(module, "EPSILON_RATIO", ratio)
    virtual_step = getattr(bilevel, step)
    (gradient,) = hypergradient(
        bilevel.train_loss,
        bilevel.val_loss,
        bilevel.weights,
        bilevel.alphas,
        virtual_step,
        method,
    )
    implicit = gradient - bilevel.explicit(virtual_step)
    assert error(implicit, bilevel.implicit(virtual_step)) < bound


@pytest.mark.parametrize(
    ("method", "passes"),
    [
        ("first_order", 1),
        ("central_difference", 4),
        ("one_sided_difference", 3),
    ],
)
def test_the_difference_is_as_long_as_the_paper_says(bilevel, method, passes):
    """ε = 0.01 / ‖v‖ over all weights, and no pass more than needed."""
    seen = []

    def recorded(loss):
        def of(weights, alphas):
            seen.append([w.numpy() for w in weights])
            return loss(weights, alphas)

        return of

    hypergradient(
        recorded(bilevel.train_loss),
        recorded(bilevel.val_loss),
        bilevel.weights,
        bilevel.alphas,
        bilevel.virtual_step,
        method,
    )
    assert len(seen) == passes
    lengths = []
    for weights in seen[2:]:
        moved = [a - b.numpy() for a, b in zip(weights, bilevel.weights)]
        lengths.append(np.sqrt(sum(np.square(m).sum() for m in moved)))
    expected = [0.01] * max(0, passes - 2)
    np.testing.assert_allclose(lengths, expected, rtol=1e-12)


def test_one_sided_difference_of_the_papers_length(bilevel):
    (gradient,) = hypergradient(
        bilevel.train_loss,
        bilevel.val_loss,
        bilevel.weights,
        bilevel.alphas,
        bilevel.virtual_step,
        "one_sided_difference",
    )
    implicit = gradient - bilevel.explicit(bilevel.virtual_step)
    assert error(implicit, bilevel.implicit(bilevel.virtual_step)) < 0.1


@pytest.mark.parametrize("method", ["central_difference", "exact"])
def test_a_mixed_derivative_of_zero(method):
    """L_train = w² + α²: the architecture does not move the weights."""
    w, a, xi = 2.0, 0.5, 0.1
    (gradient,) = hypergradient(
        lambda weights, alphas: weights[0] ** 2 + alphas[0] ** 2,
        lambda weights, alphas: weights[0] * alphas[0],
        [tf.constant(w)],
        [tf.constant(a)],
        lambda gradients, weights: [weights[0] - xi * gradients[0]],
        method,
    )
    assert float(gradient) == pytest.approx(w - xi * 2 * w, abs=1e-5)


@pytest.mark.parametrize("method", module.METHODS)
def test_a_loss_without_the_architecture_is_refused(method):
    with pytest.raises(ValueError, match="A loss does not depend on all"):
        hypergradient(
            lambda weights, alphas: weights[0] ** 2,
            lambda weights, alphas: weights[0] ** 2,
            [tf.constant(1.0)],
            [tf.constant(1.0)],
            lambda gradients, weights: weights,
            method,
        )


def mutant(bilevel, name):
    """The implicit term as known implementations have got it wrong."""
    weights, alphas = bilevel.weights, bilevel.alphas
    gradients, _ = bilevel.train_gradients(weights, alphas)
    virtual = bilevel.virtual_step(gradients, weights)
    v, v_alpha = bilevel.val_gradients(virtual)
    norm = tf.linalg.global_norm(
        v + v_alpha if name == "alpha in the norm and the perturbation" else v
    )
    epsilon = 1e-3 / norm
    at = virtual if name == "around w'" else weights
    moved = alphas if name != "alpha in the norm and the perturbation" else None

    def alpha_gradient(sign):
        shifted = [w + sign * epsilon * d for w, d in zip(at, v)]
        there = moved or [
            a + sign * epsilon * d for a, d in zip(alphas, v_alpha)
        ]
        return bilevel.train_gradients(shifted, there)[1][0]

    change = alpha_gradient(1) - alpha_gradient(-1)
    if name == "/ 2 * eps":
        return -XI * change / 2 * epsilon
    sign = 1 if name == "flipped sign" else -1
    return sign * XI * change / (2 * epsilon)


def test_oracle_without_a_mutation_is_right(bilevel):
    exact = bilevel.implicit(bilevel.virtual_step)
    assert error(mutant(bilevel, "none"), exact) < 1e-4


@pytest.mark.parametrize(
    "name",
    [
        "/ 2 * eps",  # pt.darts
        "flipped sign",  # NeroLoh/darts-tensorflow
        "around w'",  # quark0/darts until its issue 21
        "alpha in the norm and the perturbation",  # archai
    ],
)
def test_known_mistakes_are_seen(bilevel, name):
    exact = bilevel.implicit(bilevel.virtual_step)
    assert error(mutant(bilevel, name), exact) > 1e-3


@pytest.mark.parametrize("method", module.METHODS)
def test_without_a_step_all_methods_are_first_order(bilevel, method):
    (gradient,) = hypergradient(
        bilevel.train_loss,
        bilevel.val_loss,
        bilevel.weights,
        bilevel.alphas,
        lambda gradients, weights: [
            w - 0.0 * g for w, g in zip(weights, gradients)
        ],
        method,
    )
    expected = bilevel.val_gradients(bilevel.weights)[1][0]
    np.testing.assert_allclose(gradient, expected, rtol=1e-12)


def test_unknown_method_is_refused():
    with pytest.raises(ValueError, match="`method` must be one of"):
        toy_gradient(0.0, 0.0, 0.5, "third_order")
