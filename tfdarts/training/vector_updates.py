"""Updates of all weights as one vector, for optimizers that allow them."""

import functools

import keras

from tfdarts.training.optimizers import SGD


def require_elementwise(optimizer):
    """Raises `ValueError` if an optimizer needs the shapes of the weights.

    A search updates all weights as one vector.

    Args:
        optimizer: Keras optimizer.
    """
    shaped = (keras.optimizers.Adafactor, keras.optimizers.Lamb)
    shaped += (keras.optimizers.Muon, keras.optimizers.LossScaleOptimizer)
    # Keras sets this attribute in its method `exclude_from_weight_decay`.
    excludes = hasattr(optimizer, "_exclude_from_weight_decay")
    apart = optimizer.clipnorm or optimizer.use_ema or excludes
    if isinstance(optimizer, shaped) or apart:
        raise ValueError(
            "A search updates all weights as one vector, so an optimizer that "
            "treats each weight apart cannot be used: no Adafactor, Lamb, "
            "Muon or LossScaleOptimizer, no clipnorm (global_clipnorm may "
            "stay), use_ema or weights that are excluded from weight decay. "
            f"Received: {type(optimizer).__name__}."
        )


def virtual_step_of(optimizer):
    """Returns an optimizer's step as a function of tensors, without clipping.

    Args:
        optimizer: `tfdarts.SGD` or
            `keras.optimizers.SGD`; each keeps its own form of momentum.

    Returns:
        Function `(gradients, weights, momentums, learning_rate) -> weights`
        of lists of tensors; `momentums` in the form of the optimizer.

    Raises:
        ValueError: If the optimizer or one of its options is not supported.

    Example:

    >>> step = virtual_step_of(SGD(momentum=0.9))
    >>> w, g, b = [tf.constant(1.0)], [tf.constant(0.1)], [tf.constant(1.0)]
    >>> round(float(step(g, w, b, 0.5)[0]), 6)  # 1 - 0.5 * (0.9 + 0.1)
    0.5
    """
    if type(optimizer) is SGD:
        return optimizer.virtual_step
    if type(optimizer) is not keras.optimizers.SGD:
        raise ValueError(
            "The weight optimizer must be able to take a virtual step: use "
            "tfdarts.SGD or keras.optimizers.SGD. Received: "
            f"{type(optimizer).__name__}."
        )
    # Keras sets this attribute in its method `exclude_from_weight_decay`.
    excluded = hasattr(optimizer, "_exclude_from_weight_decay")
    if optimizer.gradient_accumulation_steps or optimizer.clipnorm or excluded:
        raise ValueError(
            "keras.optimizers.SGD cannot take a virtual step with "
            "gradient_accumulation_steps, with clipnorm, or with weights that "
            "are excluded from weight decay. Leave these out; global_clipnorm "
            "may stay."
        )
    return functools.partial(_keras_sgd_step, optimizer)


def _keras_sgd_step(optimizer, gradients, weights, momentums, learning_rate):
    """Returns the weights after a step of `keras.optimizers.SGD`.

    Keras' momentum includes the learning rate, and weight decay is decoupled.
    """
    steps = [-learning_rate * g for g in gradients]
    if optimizer.momentum:
        moved = [optimizer.momentum * m + s for m, s in zip(momentums, steps)]
        if optimizer.nesterov:
            moved = [optimizer.momentum * m + s for m, s in zip(moved, steps)]
        steps = moved
    # In the precision that Keras' own step uses.
    decay = keras.ops.cast(optimizer.weight_decay or 0.0, weights[0].dtype)
    return [w - learning_rate * decay * w + s for w, s in zip(weights, steps)]
