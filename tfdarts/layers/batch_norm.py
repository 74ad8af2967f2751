"""Batch normalization as DARTS uses it."""

import keras
import numpy as np
import tensorflow as tf

from tfdarts.layers.constants import shared_constant
from tfdarts.layers.nested import nested_layers
from tfdarts.replicas import num_replicas
from tfdarts.replicas import sum_over_replicas


@keras.saving.register_keras_serializable(package="tfdarts")
class BatchNorm(keras.layers.BatchNormalization):
    """Batch normalization of the channels, with PyTorch's constants.

    In training the layer uses TensorFlow's fused kernel. The kernel is faster
    than Keras' layer and, unlike that layer, has a correct second derivative.
    The kernel supports neither float64 nor synchronization; in these cases
    the layer computes mean and variance itself.

    Under a `tf.distribute` strategy each replica normalizes its own local
    batch, unless the layer is `synchronized`.

    Args:
        affine: Boolean, whether the layer has a trainable scale and offset.
            Searches set `False`, so that the network weights cannot undo the
            weights that alpha gives the primitives. Defaults to `True`.
        synchronized: Boolean, whether mean and variance are computed over
            the batch of all replicas. Defaults to `False`.
        **kwargs: Arguments of `keras.layers.BatchNormalization`, except
            `center` and `scale`; `axis` can only be the last.

    Call arguments:
        inputs: 4D tensor `(batch, height, width, channels)`.
        training: Boolean, whether to normalize by the batch statistics.
        scale: Tensor `(channels,)`, which replaces the trainable scale.

    Output shape:
        Same as the inputs.

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
                "A BatchNorm normalizes the last axis of images, the "
                "channels: leave out `axis`, or use "
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
            scale = (
                self.gamma
                if self.affine
                else shared_constant(np.ones(channels), dtype)
            )
        offset = (
            self.beta
            if self.affine
            else shared_constant(np.zeros(channels), dtype)
        )
        scale, offset = (tf.cast(value, dtype) for value in (scale, offset))
        mean = tf.cast(self.moving_mean, dtype)
        variance = tf.cast(self.moving_variance, dtype)
        if not training or not self.trainable:
            factor = scale * tf.math.rsqrt(variance + self.epsilon)
            outputs = tf.cast(inputs, dtype) * factor + (offset - mean * factor)
            return tf.cast(outputs, inputs.dtype)
        all_replicas = self.synchronized and num_replicas() > 1
        if dtype == tf.float32 and not all_replicas:
            # The kernel returns the updated moving statistics.
            kernel = (
                tf.raw_ops.FusedBatchNorm
                if inputs.dtype == tf.float32
                else tf.raw_ops.FusedBatchNormV3
            )
            outputs, mean, variance, *_ = kernel(
                x=inputs,
                scale=scale,
                offset=offset,
                mean=mean,
                variance=variance,
                epsilon=self.epsilon,
                exponential_avg_factor=1.0 - self.momentum,
            )
            self.moving_mean.assign(mean)
            self.moving_variance.assign(variance)
            return outputs
        normal, *moments = normalize(
            tf.cast(inputs, dtype),
            [0, 1, 2],
            self.epsilon,
            guess=mean if all_replicas else None,
        )
        self._move((mean, variance), *moments)
        return tf.cast(normal * scale + offset, inputs.dtype)

    def get_config(self):
        config = super().get_config()
        config.pop("center")
        config.pop("scale")
        return {**config, "affine": self.affine}

    def _move(self, moving, mean, variance, count):
        """Updates the moving statistics with the unbiased variance."""
        # Like the fused kernel, keep the biased variance of a single value.
        unbiased = variance * count / tf.maximum(count - 1.0, 1.0)
        for variable, old, new in zip(
            (self.moving_mean, self.moving_variance), moving, (mean, unbiased)
        ):
            variable.assign(old * self.momentum + new * (1.0 - self.momentum))


def normalize(inputs, axes, epsilon, guess=None):
    """Returns inputs normalized by their batch, and the batch statistics.

    Args:
        inputs: Tensor.
        axes: List of all axes of the inputs but the last.
        epsilon: Float, added to the variance.
        guess: Tensor `(channels,)`, an estimate of the mean that is the same
            in all replicas. If given, the statistics are those of the batch
            of all replicas, computed from deviations from this estimate.
            Defaults to `None`: the statistics are those of this replica.

    Returns:
        The normalized inputs; mean, variance and count of the batch.
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
        # Stacked, because the number of all-reduces limits scaling.
        shift, square = tf.unstack(sum_over_replicas(tf.stack(sums)) / count)
        mean = guess + shift
        variance = tf.maximum(square - tf.square(shift), 0)
    outputs = (inputs - mean) * tf.math.rsqrt(variance + epsilon)
    return outputs, mean, variance, count


def synchronize_batch_norms(model):
    """Synchronizes all batch norms of a model over the replicas.

    Args:
        model: Keras model. None of its functions may have been traced yet.
    """
    for layer in nested_layers(model):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True


def has_synchronized(model):
    """Returns whether any batch norm of a model is `synchronized`."""
    return any(
        getattr(layer, "synchronized", False) for layer in nested_layers(model)
    )


def _dtype_of_statistics(dtype):
    """Returns float32 or float64: half precision loses the batch mean."""
    return tf.float64 if dtype == "float64" else tf.float32
