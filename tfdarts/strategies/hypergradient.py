"""The gradient of the validation loss with respect to the architecture.

With w the weights, α the architecture and ξ the learning rate, DARTS descends

    ∇α L_val(w', α),   w' = w − ξ ∇w L_train(w, α)

which by the chain rule is

    ∇α L_val(w', α) − ξ ∇²α,w L_train(w, α) ∇w' L_val(w', α).

All here are pure functions of tensors: no variable is read or changed.

Reference:

- [Liu et al., 2019](https://arxiv.org/abs/1806.09055), equations 6 to 8
"""

import tensorflow as tf

EPSILON_RATIO = 0.01
"""ε = 0.01 / ‖∇w' L_val(w', α)‖, the paper's footnote 2."""


class Objective:
    """A loss of weights and architecture, with the derivatives DARTS takes.

    Args:
        loss: Pure function `(weights, alphas) -> scalar`, both lists of
            tensors.
    """

    def __init__(self, loss):
        self.loss = loss

    def gradients(self, weights, alphas):
        """Returns the loss, ∇w L and ∇α L."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([weights, alphas])
            loss = self.loss(weights, alphas)
        return loss, *tape.gradient(loss, (weights, alphas))

    def alpha_gradients(self, weights, alphas):
        """Returns the loss and ∇α L."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(alphas)
            loss = self.loss(weights, alphas)
        return loss, tape.gradient(loss, alphas)


def hypergradient(
    train_loss,
    val_loss,
    weights,
    alphas,
    virtual_step,
    learning_rate,
    method="central_difference",
):
    """Returns the gradient of the validation loss behind a virtual step.

    Args:
        train_loss: Pure function `(weights, alphas) -> scalar`.
        val_loss: Pure function `(weights, alphas) -> scalar`.
        weights: List of tensors, w.
        alphas: List of tensors, α.
        virtual_step: Pure function `(weights, gradients) -> weights`, w'. It
            may have momentum and L2.
        learning_rate: Scalar, the ξ of the virtual step.
        method: `"first_order"`, the gradient at w itself, as if ξ were 0; or
            `"central_difference"`, which is the paper's second order.
            Defaults to `"central_difference"`.

    Returns:
        List of tensors of the shapes of `alphas`.

    Raises:
        ValueError: If there is no such method.

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
    ...     lambda weights, gradients: [weights[0] - xi * gradients[0]], xi,
    ... )
    >>> round(float(gradients[0]), 4)  # (w' - 2) + 2 ξ α, with w' = 2
    2.0

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section 2.3
    """
    _, gradients = METHODS[checked_method(method)](
        Objective(train_loss),
        Objective(val_loss),
        weights,
        alphas,
        virtual_step,
        learning_rate,
    )
    return gradients


def checked_method(method):
    """Returns the method's name, or raises `ValueError`."""
    if method not in METHODS:
        raise ValueError(
            f"`method` must be one of {', '.join(METHODS)}. "
            f"Received: method={method!r}."
        )
    return method


def first_order(train, val, weights, alphas, virtual_step, learning_rate):
    """Returns L_val(w, α) and ∇α L_val(w, α)."""
    return val.alpha_gradients(weights, alphas)


def central_difference(
    train, val, weights, alphas, virtual_step, learning_rate
):
    """Returns L_val(w', α) and the second-order gradient of it.

    The product with the mixed second derivative is a difference of gradients
    at w ± ε v, with v = ∇w' L_val(w', α): equation 8.
    """
    _, train_gradients, _ = train.gradients(weights, alphas)
    virtual_weights = virtual_step(weights, train_gradients)
    loss, v, alpha_gradients = val.gradients(virtual_weights, alphas)

    epsilon = EPSILON_RATIO / tf.linalg.global_norm(v)
    _, above = train.alpha_gradients(_moved(weights, epsilon, v), alphas)
    _, below = train.alpha_gradients(_moved(weights, -epsilon, v), alphas)
    return loss, [
        gradient - learning_rate * (plus - minus) / (2 * epsilon)
        for gradient, plus, minus in zip(alpha_gradients, above, below)
    ]


def _moved(weights, distance, direction):
    return [w + distance * d for w, d in zip(weights, direction)]


METHODS = {
    "first_order": first_order,
    "central_difference": central_difference,
}
