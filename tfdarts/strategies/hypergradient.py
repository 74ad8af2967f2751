"""The gradient of the validation loss with respect to the architecture.

With weights w, architecture α, and weights w' after one step of the weight
optimizer, DARTS descends along the gradient

    ∇α L_val(w', α),   w' = w − ξ ∇w L_train(w, α).

By the chain rule this gradient is

    ∇α L_val(w', α) − ξ ∇²α,w L_train(w, α) ∇w' L_val(w', α).

With momentum, L2 and clipping the step to w' is more complex. The vector of
the second term is then u = (∂w' / ∂∇w L_train)ᵀ v: the gradient
v = ∇w' L_val(w', α), pulled back through the virtual step. For the step above,
u = −ξ v.

All functions of this module are pure: they read and change no variable.

Reference:

- [Liu et al., 2019](https://arxiv.org/abs/1806.09055), equations 6 to 8
"""

import collections
from collections.abc import Callable
from collections.abc import Sequence

import tensorflow as tf

EPSILON_RATIO = 0.01
"""Length of the perturbation of the weights: ε ‖v‖, the paper's footnote 2."""


class Objective:
    """A loss of weights and architecture, with the derivatives DARTS needs.

    Args:
        loss: Pure function `(weights, alphas) -> scalar`, both lists of
            tensors.

    Example:

    >>> objective = Objective(lambda weights, alphas: weights[0] * alphas[0])
    >>> w, a = [tf.constant(2.0)], [tf.constant(3.0)]
    >>> loss, gradients, alpha_gradients = objective.gradients(w, a)
    >>> float(loss), float(gradients[0]), float(alpha_gradients[0])
    (6.0, 3.0, 2.0)
    >>> float(objective.mixed_product(w, a, [tf.constant(5.0)])[0])
    5.0
    """

    def __init__(self, loss):
        self.loss = loss

    def gradients(self, weights, alphas):
        """Returns the loss, ∇w L and ∇α L."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([weights, alphas])
            loss = self.loss(weights, alphas)
        gradients = tape.gradient(loss, (weights, alphas))
        return loss, *(require_connected(parts) for parts in gradients)

    def alpha_gradients(self, weights, alphas):
        """Returns the loss and ∇α L."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(alphas)
            loss = self.loss(weights, alphas)
        return loss, require_connected(tape.gradient(loss, alphas))

    def mixed_product(self, weights, alphas, direction):
        """Returns ∇²α,w L · direction, by differentiating twice."""
        return self._product(weights, alphas, weights, direction)

    def alpha_product(self, weights, alphas, direction):
        """Returns ∇²α L · direction, by differentiating twice."""
        return self._product(weights, alphas, alphas, direction)

    def _product(self, weights, alphas, variables, direction):
        """Returns ∇α ⟨∇L, direction⟩, with ∇L in the given variables."""
        with tf.GradientTape(watch_accessed_variables=False) as outer:
            outer.watch(alphas)
            with tf.GradientTape(watch_accessed_variables=False) as inner:
                inner.watch(variables)
                loss = self.loss(weights, alphas)
            gradients = require_connected(inner.gradient(loss, variables))
            along = tf.add_n(
                [tf.reduce_sum(g * d) for g, d in zip(gradients, direction)]
            )
        # Zero, because a gradient need not depend on the architecture.
        return outer.gradient(
            along, alphas, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )


def require_connected(gradients):
    """Returns gradients; raises `ValueError` if one of them is `None`."""
    if any(gradient is None for gradient in gradients):
        raise ValueError(
            "A loss does not depend on all weights and alphas, or is not "
            "differentiable with respect to them. Leave out the variables "
            "that the loss does not depend on."
        )
    return gradients


def hypergradient(
    train_loss: Callable,
    val_loss: Callable,
    weights: Sequence,
    alphas: Sequence,
    virtual_step: Callable,
    method: str = "central_difference",
) -> list:
    """Returns alpha's gradient of the validation loss after a virtual step.

    Args:
        train_loss: Pure function `(weights, alphas) -> scalar`.
        val_loss: Pure function `(weights, alphas) -> scalar`.
        weights: List of tensors, w.
        alphas: List of tensors, α.
        virtual_step: Pure function `(gradients, weights) -> weights`, from
            ∇w L_train and w to w'. It may have momentum, L2 and clipping.
        method: String. Defaults to `"central_difference"`.
            - `"first_order"`: the gradient at w itself, without a virtual
              step. One pass.
            - `"central_difference"`: the second derivative as a difference
              of two gradients, as in the paper. Four passes. If a ReLU or a
              maximum switches sides within the difference, the difference is
              far from the derivative; the paper accepts this error.
            - `"one_sided_difference"`: as a difference to the gradient that
              the virtual step has computed anyway. Three passes.
            - `"exact"`: by differentiating twice. Two passes and a double
              one; the most memory. Compute losses with max pooling inside
              `tfdarts.layers.primitives.twice_differentiable()`.

    Returns:
        List of tensors of the shapes of `alphas`.

    Raises:
        ValueError: If the method is unknown, or a loss does not depend on one
            of the tensors.

    Example:

    >>> def train_loss(weights, alphas):  # the paper's figure 2
    ...     (w,), (a,) = weights, alphas
    ...     return w * w - 2 * w * a + a * a
    >>> def val_loss(weights, alphas):
    ...     (w,), (a,) = weights, alphas
    ...     return w * a - 2 * a + 1
    >>> w, a, xi = tf.constant(-2.0), tf.constant(2.0), 0.5
    >>> gradients = hypergradient(
    ...     train_loss, val_loss, [w], [a],
    ...     lambda gradients, weights: [weights[0] - xi * gradients[0]],
    ... )
    >>> round(float(gradients[0]), 4)  # (w' - 2) + 2 ξ α, with w' = 2
    2.0

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section 2.3
    """
    _, gradients = METHODS[validate_method(method)](
        Objective(train_loss),
        Objective(val_loss),
        weights,
        alphas,
        virtual_step,
    )
    return gradients


def validate_method(method):
    """Returns the method's name, or raises `ValueError`."""
    if method not in METHODS:
        raise ValueError(
            f"`method` must be one of {', '.join(METHODS)}. "
            f"Received: method={method!r}."
        )
    return method


def first_order(train, val, weights, alphas, virtual_step):
    """Returns L_val(w, α) and ∇α L_val(w, α)."""
    return val.alpha_gradients(weights, alphas)


def central_difference(train, val, weights, alphas, virtual_step):
    """Returns L_val(w', α) and its gradient, with equation 8."""
    unrolled = _unroll(train, val, weights, alphas, virtual_step)
    epsilon, step = _perturbation(unrolled.direction)
    _, above = train.alpha_gradients(_sum(weights, step), alphas)
    _, below = train.alpha_gradients(_difference(weights, step), alphas)
    return _with_difference(unrolled, above, below, 2 * epsilon)


def one_sided_difference(train, val, weights, alphas, virtual_step):
    """Returns L_val(w', α) and its gradient, with half of equation 8."""
    unrolled = _unroll(train, val, weights, alphas, virtual_step)
    epsilon, step = _perturbation(unrolled.direction)
    _, above = train.alpha_gradients(_sum(weights, step), alphas)
    here = unrolled.train_alpha_gradients
    return _with_difference(unrolled, above, here, epsilon)


def exact(train, val, weights, alphas, virtual_step):
    """Returns L_val(w', α) and its gradient, with equation 7."""
    unrolled = _unroll(train, val, weights, alphas, virtual_step)
    implicit = train.mixed_product(weights, alphas, unrolled.direction)
    return unrolled.loss, _sum(unrolled.alpha_gradients, implicit)


METHODS = {
    method.__name__: method
    for method in (first_order, central_difference, one_sided_difference, exact)
}

_Unrolled = collections.namedtuple(
    "_Unrolled",
    ["loss", "alpha_gradients", "direction", "train_alpha_gradients"],
)


def _unroll(train, val, weights, alphas, virtual_step):
    """Takes the virtual step; returns the loss and gradients after it."""
    _, gradients, train_alpha_gradients = train.gradients(weights, alphas)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(gradients)
        virtual_weights = virtual_step(gradients, weights)
    loss, v, alpha_gradients = val.gradients(virtual_weights, alphas)
    u = tape.gradient(virtual_weights, gradients, output_gradients=v)
    return _Unrolled(loss, alpha_gradients, u, train_alpha_gradients)


def _perturbation(direction):
    """Returns ε and ε times the direction, 0 for a direction of zeros."""
    norm = tf.linalg.global_norm(direction)
    # Not `tf.cast`: it rounds a Python float to float32 first.
    ratio = tf.constant(EPSILON_RATIO, norm.dtype)
    epsilon = tf.math.divide_no_nan(ratio, norm)
    return epsilon, [epsilon * d for d in direction]


def _with_difference(unrolled, above, below, distance):
    implicit = [
        tf.math.divide_no_nan(change, distance)
        for change in _difference(above, below)
    ]
    return unrolled.loss, _sum(unrolled.alpha_gradients, implicit)


def _sum(first, second):
    return [a + b for a, b in zip(first, second, strict=True)]


def _difference(first, second):
    return [a - b for a, b in zip(first, second, strict=True)]
