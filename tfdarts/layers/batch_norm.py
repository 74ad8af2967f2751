"""Batch normalisation as DARTS uses it."""

import keras
import tensorflow as tf

from tfdarts.parts import num_replicas
from tfdarts.parts import sum_over_replicas


@keras.saving.register_keras_serializable(package="tfdarts")
class BatchNorm(keras.layers.BatchNormalization):
    """Batch normalisation over all axes but the last, PyTorch's constants.

    In training it uses TensorFlow's fused kernel, which is faster than Keras'
    and, unlike Keras', right when differentiated twice. The kernel knows no
    float64 and no second replica; there mean and variance are written out.

    Under a strategy of `tf.distribute` each replica normalises its own share
    of a batch, unless the layer is `synchronized`.

    Args:
        affine: Boolean, whether there are a trainable scale and offset.
            Searches have none, so that the weights cannot rescale what alpha
            weighs. Defaults to `True`.
        synchronized: Boolean, whether mean and variance are those of the
            shares of all replicas together. Defaults to `False`.
        **kwargs: Arguments of `keras.layers.BatchNormalization`, except
            `center` and `scale`; `axis` can only be the last.

    Call arguments:
        inputs: 4D tensor `(batch, height, width, channels)`.
        training: Boolean, whether to normalise by the batch.
        scale: Tensor `(channels,)`, to multiply by instead of the trainable
            scale.

    Output shape:
        That of the inputs.

    Raises:
        ValueError: If `axis` is not the last.

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
        axis = kwargs.get("axis", -1)
        if axis not in (-1, 3):
            raise ValueError(
                f"A BatchNorm normalises the last axis of images, the "
                f"channels: leave out `axis`, or take "
                f"keras.layers.BatchNormalization. Received: axis={axis!r}."
            )
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
        if scale is None:
            scale = self.gamma if self.affine else tf.ones([channels], dtype)
        offset = self.beta if self.affine else tf.zeros([channels], dtype)
        scale, offset = (tf.cast(value, dtype) for value in (scale, offset))
        mean = tf.cast(self.moving_mean, dtype)
        variance = tf.cast(self.moving_variance, dtype)
        if not training or not self.trainable:
            factor = scale * tf.math.rsqrt(variance + self.epsilon)
            outputs = tf.cast(inputs, dtype) * factor + (offset - mean * factor)
            return tf.cast(outputs, inputs.dtype)
        together = self.synchronized and num_replicas() > 1
        if dtype == tf.float32 and not together:
            # What it returns of the statistics are the moving ones, moved.
            outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
                inputs,
                scale,
                offset,
                mean,
                variance,
                epsilon=self.epsilon,
                exponential_avg_factor=1.0 - self.momentum,
            )
            self.moving_mean.assign(mean)
            self.moving_variance.assign(variance)
            return outputs
        normal, *moments = normalized(
            tf.cast(inputs, dtype),
            [0, 1, 2],
            self.epsilon,
            guess=mean if together else None,
        )
        self._move((mean, variance), *moments)
        return tf.cast(normal * scale + offset, inputs.dtype)

    def get_config(self):
        config = super().get_config()
        config.pop("center")
        config.pop("scale")
        return {**config, "affine": self.affine}

    def _move(self, moving, mean, variance, count):
        """The moving statistics keep the unbiased variance, as PyTorch's."""
        # Of a single value the fused kernel gives the biased variance.
        unbiased = variance * count / tf.maximum(count - 1.0, 1.0)
        for variable, old, new in zip(
            (self.moving_mean, self.moving_variance), moving, (mean, unbiased)
        ):
            variable.assign(old * self.momentum + new * (1.0 - self.momentum))


def normalized(inputs, axes, epsilon, guess=None):
    """Returns values normalised by their batch, and its moments.

    Args:
        inputs: Tensor.
        axes: List of all its axes but the last.
        epsilon: Float, added to the variance.
        guess: Tensor `(channels,)`, the same in all replicas and near the mean
            if it can be: the moments are then those of all replicas, which
            sum up deviations from it and their squares. Defaults to `None`,
            the moments of this replica.

    Returns:
        The outputs; mean, variance and count of the batch.
    """
    count = tf.size(inputs) / tf.shape(inputs)[-1]
    count = tf.cast(count, inputs.dtype)
    if guess is None:
        mean = tf.reduce_mean(inputs, axes)
        variance = tf.reduce_mean(tf.square(inputs - mean), axes)
    else:
        shifted = inputs - guess
        count *= num_replicas()
        sums = [tf.reduce_sum(v, axes) for v in (shifted, tf.square(shifted))]
        # One vector, so that replicas meet once.
        shift, square = tf.unstack(sum_over_replicas(tf.stack(sums)) / count)
        mean = guess + shift
        variance = tf.maximum(square - tf.square(shift), 0)
    outputs = (inputs - mean) * tf.math.rsqrt(variance + epsilon)
    return outputs, mean, variance, count


def synchronize_batch_norms(model):
    """Lets all batch norms of a model normalise by the batch of all replicas.

    Args:
        model: Keras model, of which no function has been traced.
    """
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True


def has_synchronized(model):
    """Returns whether a batch norm of a model is `synchronized`."""
    return any(
        getattr(layer, "synchronized", False)
        for layer in model._flatten_layers()
    )


def _dtype_of_statistics(dtype):
    """Half precision would lose the mean of many values."""
    return tf.float64 if dtype == "float64" else tf.float32
