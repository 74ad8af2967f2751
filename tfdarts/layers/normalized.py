"""Values normalised by the batch that all replicas share."""

import tensorflow as tf

from tfdarts.layers.replicas import mean_over_replicas
from tfdarts.layers.replicas import num_replicas


def normalized(inputs, axes, guesses, epsilons):
    """Returns values normalised by the batch of all replicas.

    Args:
        inputs: List of tensors, the same shapes in all replicas.
        axes: List of all axes but the last.
        guesses: List of tensors `(channels,)`, near the mean if they can be,
            and the same in all replicas.
        epsilons: List of floats, added to the variances.

    Returns:
        List of tuples: the outputs, and mean, variance and count of the
        batch.
    """
    counts = []
    for values in inputs:
        size = values.shape.num_elements() or tf.size(values)
        count = size / values.shape[-1] * num_replicas()
        counts.append(tf.cast(count, values.dtype))
    if num_replicas() == 1:
        outputs, means, variances = zip(
            *(_of_one_replica(x, axes, e) for x, e in zip(inputs, epsilons))
        )
    else:
        outputs, means, variances = _of_replicas(
            inputs, axes, guesses, epsilons
        )
    return [*zip(outputs, means, variances, counts)]


def _of_one_replica(inputs, axes, epsilon):
    mean = tf.reduce_mean(inputs, axes)
    variance = tf.reduce_mean(tf.square(inputs - mean), axes)
    outputs = (inputs - mean) * tf.math.rsqrt(variance + epsilon)
    return outputs, mean, variance


def _of_replicas(inputs, axes, guesses, epsilons):
    """Its gradient is the one that is usual, for graphs of their own size.

    Replicas meet once on the way forth and once on the way back. What they
    sum up are deviations from the guess and their squares: the nearer it is
    to the mean, the less of the squares cancels.
    """

    @tf.custom_gradient
    def of_replicas(*inputs):
        deviations = [x - guess for x, guess in zip(inputs, guesses)]
        moments = _means(deviations, deviations, axes)
        variances = [
            tf.maximum(square - tf.square(shift), 0)
            for shift, square in moments
        ]
        factors = [tf.math.rsqrt(v + e) for v, e in zip(variances, epsilons)]
        outputs = [
            (x - shift) * factor
            for x, (shift, _), factor in zip(deviations, moments, factors)
        ]

        def gradients(*upstream):
            # Behind them are those of means and variances, which only move.
            upstream = upstream[: len(inputs)]
            return [
                (dy - mean - y * along) * factor
                for dy, y, factor, (mean, along) in zip(
                    upstream, outputs, factors, _means(upstream, outputs, axes)
                )
            ]

        means = [guess + shift for guess, (shift, _) in zip(guesses, moments)]
        return (*outputs, *means, *variances), gradients

    results = of_replicas(*inputs)
    count = len(inputs)
    return results[:count], results[count : 2 * count], results[2 * count :]


def _means(values, others, axes):
    """Pairs of the mean of each tensor and of its product with another."""
    pairs = [
        tf.stack([tf.reduce_mean(x, axes), tf.reduce_mean(x * y, axes)])
        for x, y in zip(values, others)
    ]
    return [tf.unstack(pair) for pair in mean_over_replicas(pairs)]
