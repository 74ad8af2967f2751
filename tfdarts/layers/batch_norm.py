"""Batch normalisation as DARTS uses it."""

import keras
import tensorflow as tf

from tfdarts.layers.normalized import normalized
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
            self.moving_mean.assign(mean)
            self.moving_variance.assign(variance)
            return outputs
        (outputs,) = _written_out([(self, inputs, scale if given else None)])
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

    def _moves(self, mean, variance, count):
        # Of a single value the fused kernel gives the biased variance.
        variance *= count / tf.maximum(count - 1.0, 1.0)
        self.moving_mean.assign(self._moved(self.moving_mean, mean))
        self.moving_variance.assign(self._moved(self.moving_variance, variance))

    def _moved(self, moving, current):
        """The moving statistics keep the unbiased variance, as PyTorch's."""
        moving = tf.cast(moving, current.dtype)
        return moving * self.momentum + current * (1.0 - self.momentum)


def batch_norms(questions, training):
    """Returns what batch norms that do not depend on each other return.

    Args:
        questions: List of tuples `(batch_norm, inputs, scale)`, arguments of
            `BatchNorm`; `scale` may be `None`.
        training: Boolean, whether to normalise by the batch.
    """
    trained = all(batch_norm.trainable for batch_norm, *_ in questions)
    if len(questions) > 1 and num_replicas() > 1 and training and trained:
        return _written_out(questions)
    return [
        batch_norm(inputs, training=training, scale=scale)
        for batch_norm, inputs, scale in questions
    ]


def _written_out(questions):
    """The same without the fused kernel; replicas meet once for all."""
    layers, inputs, scales = zip(*questions)
    dtype = _dtype_of_statistics(layers[0].variable_dtype)
    found = normalized(
        [tf.cast(values, dtype) for values in inputs],
        [0, 1, 2],
        [tf.cast(layer.moving_mean, dtype) for layer in layers],
        [layer.epsilon for layer in layers],
    )
    outputs = []
    for layer, values, scale, (normal, *moments) in zip(
        layers, inputs, scales, found
    ):
        layer._moves(*moments)
        if scale is not None:
            normal *= tf.cast(scale, dtype)
        elif layer.affine:
            normal *= tf.cast(layer.gamma, dtype)
        if layer.affine:
            normal += tf.cast(layer.beta, dtype)
        outputs.append(tf.cast(normal, values.dtype))
    return outputs


def _dtype_of_statistics(dtype):
    """Half precision would lose the mean of many values."""
    return tf.float64 if dtype == "float64" else tf.float32
