"""Exponentiated gradient descent, for variables that a softmax follows."""

import keras


@keras.saving.register_keras_serializable(package="tfdarts")
class ExponentiatedGradient(keras.optimizers.Optimizer):
    """Moves the softmax p of each row of a variable by p · exp(−η ∂L/∂p).

    The variable is the logarithm of p, so that the softmax of the variable is
    p itself. Gradients are given in the variable α, and ∂L/∂α = p (∂L/∂p − c)
    with a constant c of each row, which the normalization removes.

    Args:
        learning_rate: Float or a Keras schedule, η. Defaults to `0.1`.
        floor: Float, the least probability. Defaults to `1e-5`.

    Example:

    >>> optimizer = ExponentiatedGradient(learning_rate=1.0)
    >>> alpha = keras.Variable([[0.0, 0.0]])
    >>> # The loss is the first probability: its gradient in alpha is 1/4.
    >>> optimizer.apply([keras.ops.array([[0.25, -0.25]])], [alpha])
    >>> [round(float(p), 4) for p in keras.ops.softmax(alpha)[0]]  # exp(-1) : 1
    [0.2689, 0.7311]

    Reference:

    - [Li et al., 2021](https://arxiv.org/abs/2004.07802), algorithm 1
    """

    def __init__(self, learning_rate=0.1, floor=1e-5, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.floor = floor

    def update_step(self, gradient, variable, learning_rate):
        alpha = keras.ops.convert_to_tensor(variable)
        rate = keras.ops.cast(learning_rate, alpha.dtype)
        probabilities = keras.ops.softmax(alpha)
        # Alphas of primitives that an edge may not have stay as they are.
        has_part = probabilities > 0
        divisor = keras.ops.where(has_part, probabilities, 1.0)
        moved = keras.ops.log_softmax(alpha) - rate * gradient / divisor
        probabilities = keras.ops.maximum(keras.ops.softmax(moved), self.floor)
        probabilities = keras.ops.where(has_part, probabilities, 0.0)
        total = keras.ops.sum(probabilities, axis=-1, keepdims=True)
        shares = keras.ops.where(has_part, probabilities / total, 1.0)
        self.assign(
            variable, keras.ops.where(has_part, keras.ops.log(shares), alpha)
        )

    def get_config(self):
        return {**super().get_config(), "floor": self.floor}
