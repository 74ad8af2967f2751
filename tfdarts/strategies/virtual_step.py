"""A virtual step with clipping."""

import tensorflow as tf

from tfdarts.layers.custom_gradient import custom_gradient


def clip_step(virtual_step, clip_norm):
    """Returns a virtual step that clips gradients forward and backward.

    The step clips gradients by a coefficient c that counts as a constant:
    w' = w − ξ c g. The vector v, which is pulled back through the step, is
    clipped to the same norm first, because gradients of recurrent networks are
    sometimes very large. The authors clip there too, but their coefficient
    exceeds 1 if the norm is below `clip_norm`; here it is 1.

    Args:
        virtual_step: Function `(gradients, weights) -> weights`, lists of
            tensors.
        clip_norm: Float, the largest global norm.

    Returns:
        A function of the same form.

    Example:

    >>> step = clip_step(lambda g, w: [w[0] - 0.5 * g[0]], clip_norm=1.0)
    >>> g, w = [tf.constant([3.0, 4.0])], [tf.constant([0.0, 0.0])]
    >>> [round(float(number), 4) for number in step(g, w)[0]]
    [-0.3, -0.4]

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), their code
    """

    def step(gradients, weights):
        constant = tf.stop_gradient(clip_coefficient(gradients, clip_norm))
        scaled = [constant * g for g in gradients]
        return clip_backward(virtual_step(scaled, weights))

    @custom_gradient
    def clip_backward(weights):
        def pull_back(*direction):
            constant = clip_coefficient(direction, clip_norm)
            return [constant * d for d in direction]

        return weights, pull_back

    return step


def clip_norm_of(optimizer):
    """Returns the `clip_norm` of a weight optimizer.

    Raises:
        ValueError: If the optimizer has none.
    """
    clip_norm = getattr(optimizer, "clip_norm", None)
    if clip_norm is None:
        raise ValueError(
            "`clip_virtual_step` needs a weight optimizer with a `clip_norm`, "
            "such as tfdarts.SGD."
        )
    return clip_norm


def clip_coefficient(gradients, clip_norm):
    """Returns the factor that clips gradients to a global norm.

    Args:
        gradients: List of tensors.
        clip_norm: Float, the largest global norm.
    """
    return clip_norm / tf.maximum(tf.linalg.global_norm(gradients), clip_norm)
