"""Batch normalisation as DARTS uses it."""

import keras
import tensorflow as tf

from tfdarts.layers.replicas import mean_over_replicas
from tfdarts.layers.replicas import num_replicas


@keras.saving.register_keras_serializable(package="tfdarts")
class BatchNorm(keras.layers.BatchNormalization):
    """Batch normalisation over all axes but the last, PyTorch's constants.

    In training it uses TensorFlow's fused kernel, which is faster than Keras'
    and, unlike Keras', right when differentiated twice. The kernel knows no
    float64 and no second replica; there mean and variance are written out,
    and averaged over the replicas.

    Args:
        affine: Boolean, whether there are a trainable scale and offset.
            Searches have none, so that the weights cannot rescale what alpha
            weighs. Defaults to `True`.
        **kwargs: Arguments of `keras.layers.BatchNormalization`, except
            `center` and `scale`.

    Call arguments:
        inputs: 4D tensor `(batch, height, width, channels)`.
        training: Boolean, whether to normalise by the batch.
        scale: Tensor `(channels,)`, to multiply by instead of the trainable
            scale.

    Output shape:
        That of the inputs.

    Example:

    >>> images = keras.random.normal((8, 5, 5, 3), mean=7.0)
    >>> outputs = BatchNorm(affine=False)(images, training=True)
    >>> abs(float(keras.ops.mean(outputs))) < 1e-5
    True

    Reference:

    - [Ioffe and Szegedy, 2015](https://arxiv.org/abs/1502.03167)
    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section A.1.1
    """

    def __init__(self, affine=True, momentum=0.9, epsilon=1e-5, **kwargs):
        super().__init__(
            momentum=momentum,
            epsilon=epsilon,
            center=affine,
            scale=affine,
            **kwargs,
        )
        self.affine = affine

    def call(self, inputs, training=False, scale=None):
        channels = inputs.shape[-1]
        dtype = _dtype_of_statistics(self.variable_dtype)
        given = scale is not None
        if not given:
            scale = self.gamma if self.affine else tf.ones([channels], dtype)
        offset = self.beta if self.affine else tf.zeros([channels], dtype)
        scale, offset = (tf.cast(value, dtype) for value in (scale, offset))
        if not training or not self.trainable:
            mean = tf.cast(self.moving_mean, dtype)
            variance = tf.cast(self.moving_variance, dtype)
            return self._normalize(inputs, mean, variance, scale, offset)
        if dtype == tf.float32 and num_replicas() == 1:
            # What it returns of the statistics are the moving ones, moved.
            outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
                inputs,
                scale,
                offset,
                tf.cast(self.moving_mean, dtype),
                tf.cast(self.moving_variance, dtype),
                epsilon=self.epsilon,
                exponential_avg_factor=1.0 - self.momentum,
            )
        else:
            outputs, mean, variance, count = normalized(
                tf.cast(inputs, dtype),
                [0, 1, 2],
                tf.cast(self.moving_mean, dtype),
                self.epsilon,
            )
            if given or self.affine:
                outputs = outputs * scale + offset
            outputs = tf.cast(outputs, inputs.dtype)
            # Of a single value the fused kernel gives the biased variance.
            variance *= count / tf.maximum(count - 1.0, 1.0)
            mean = self._moved(self.moving_mean, mean)
            variance = self._moved(self.moving_variance, variance)
        self.moving_mean.assign(mean)
        self.moving_variance.assign(variance)
        return outputs

    def get_config(self):
        config = super().get_config()
        config.pop("center")
        config.pop("scale")
        return {**config, "affine": self.affine}

    def _normalize(self, inputs, mean, variance, scale, offset):
        scale = scale * tf.math.rsqrt(variance + self.epsilon)
        offset = offset - mean * scale
        outputs = tf.cast(inputs, scale.dtype) * scale + offset
        return tf.cast(outputs, inputs.dtype)

    def _moved(self, moving, current):
        """The moving statistics keep the unbiased variance, as PyTorch's."""
        moving = tf.cast(moving, current.dtype)
        return moving * self.momentum + current * (1.0 - self.momentum)


def normalized(inputs, axes, guess, epsilon):
    """Returns values normalised by the batch of all replicas.

    Args:
        inputs: Tensor, the same shape in all replicas.
        axes: List of all axes but the last.
        guess: Tensor `(channels,)`, near the mean if it can be, and the same
            in all replicas.
        epsilon: Float, added to the variance.

    Returns:
        The outputs, and mean, variance and count of the batch.
    """
    size = inputs.shape.num_elements() or tf.size(inputs)
    count = size / inputs.shape[-1] * num_replicas()
    count = tf.cast(count, inputs.dtype)
    if num_replicas() == 1:
        mean = tf.reduce_mean(inputs, axes)
        variance = tf.reduce_mean(tf.square(inputs - mean), axes)
        outputs = (inputs - mean) * tf.math.rsqrt(variance + epsilon)
        return outputs, mean, variance, count

    @tf.custom_gradient
    def over_replicas(inputs):
        """Its gradient is the one that is usual, for graphs of their own size.

        Replicas meet once on the way forth and once on the way back. What
        they sum up are deviations from the guess and their squares: the
        nearer it is to the mean, the less of the squares cancels.
        """
        deviations = inputs - guess
        shift, square = _means(deviations, deviations, axes)
        variance = tf.maximum(square - tf.square(shift), 0)
        factor = tf.math.rsqrt(variance + epsilon)
        outputs = (deviations - shift) * factor

        def gradient(upstream, *of_statistics):
            mean, along = _means(upstream, outputs, axes)
            return (upstream - mean - outputs * along) * factor

        return (outputs, guess + shift, variance), gradient

    return *over_replicas(inputs), count


def _means(values, others, axes):
    """The means of values and of their products with others."""
    means = [tf.reduce_mean(each, axes) for each in (values, values * others)]
    return tf.unstack(mean_over_replicas(tf.stack(means)))


def _dtype_of_statistics(dtype):
    """Half precision would lose the mean of many values."""
    return tf.float64 if dtype == "float64" else tf.float32
