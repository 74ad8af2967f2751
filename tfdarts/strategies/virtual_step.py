"""The virtual step of a network whose gradients are clipped."""

import tensorflow as tf


def clipped(virtual_step, clip_norm):
    """Returns a virtual step that clips, on its way forth and back.

    Gradients are clipped before the step, by a coefficient that counts as a
    constant: w' = w − ξ c g. What is pulled back through the step, v, is
    clipped by the same norm first. The gradients of recurrent networks now
    and then are very large. The authors clip there, too, but their
    coefficient is above 1 where the norm is below `clip_norm`; here it is 1.

    Args:
        virtual_step: Function `(gradients, weights) -> weights`, lists of
            tensors.
        clip_norm: Float, the largest global norm.

    Returns:
        A function of the same form.

    Example:

    >>> step = clipped(lambda g, w: [w[0] - 0.5 * g[0]], clip_norm=1.0)
    >>> g, w = [tf.constant([3.0, 4.0])], [tf.constant([0.0, 0.0])]
    >>> [round(float(number), 4) for number in step(g, w)[0]]
    [-0.3, -0.4]

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), their code
    """

    def step(gradients, weights):
        constant = tf.stop_gradient(coefficient(gradients, clip_norm))
        scaled = [constant * g for g in gradients]
        return clipped_on_the_way_back(virtual_step(scaled, weights))

    @tf.custom_gradient
    def clipped_on_the_way_back(weights):
        def pull_back(*direction):
            constant = coefficient(direction, clip_norm)
            return [constant * d for d in direction]

        return weights, pull_back

    return step


def coefficient(gradients, clip_norm):
    """Returns what gradients are multiplied by so that their norm is right.

    Args:
        gradients: List of tensors.
        clip_norm: Float, the largest global norm.
    """
    return clip_norm / tf.maximum(tf.linalg.global_norm(gradients), clip_norm)
