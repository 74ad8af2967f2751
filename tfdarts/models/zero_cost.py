"""Scores of networks that were not trained."""

import keras
import numpy as np
import tensorflow as tf

EPSILON = 1e-5
"""Added to the eigenvalues of a correlation matrix."""


def synflow(network):
    """Returns how much signal the absolute weights of a network pass on.

    It is the sum of w ∂R/∂w over all trainable weights, where R is the sum of
    the outputs for an image of ones, with the absolute values of the weights
    and the moving statistics of batch norms. Data have no influence.

    Args:
        network: Keras model from images to logits, in float64, because the
            signal of a deep network is large.

    Example:

    >>> images = keras.Input((1,), dtype="float64")
    >>> dense = keras.layers.Dense(1, use_bias=False, dtype="float64")
    >>> network = keras.Model(images, dense(images))
    >>> _ = dense.kernel.assign([[-3.0]])
    >>> synflow(network)
    3.0

    References:

    - [Tanaka et al., 2020](https://arxiv.org/abs/2006.05467)
    - [Abdelfattah et al., 2021](https://arxiv.org/abs/2101.08134)
    """
    weights = [tf.abs(v.value) for v in network.trainable_variables]
    fixed = [v.value for v in network.non_trainable_variables]
    ones = tf.ones((1, *network.input_shape[1:]), network.input.dtype)
    with tf.GradientTape() as tape:
        tape.watch(weights)
        outputs, _ = network.stateless_call(
            weights, fixed, ones, training=False
        )
        total = tf.reduce_sum(outputs)
    gradients = tape.gradient(total, weights, unconnected_gradients="zero")
    return float(sum(tf.reduce_sum(w * g) for w, g in zip(weights, gradients)))


def grad_norm(network, images, labels):
    """Returns the sum of the norms of the gradients of the weights.

    The loss is the cross-entropy of a batch.

    Args:
        network: Keras model from images to logits.
        images: Array or tensor.
        labels: Array or tensor of class numbers.

    Reference:

    - [Abdelfattah et al., 2021](https://arxiv.org/abs/2101.08134)
    """
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    with tf.GradientTape() as tape:
        value = loss(labels, network(images, training=True))
    gradients = tape.gradient(
        value, network.trainable_variables, unconnected_gradients="zero"
    )
    return float(sum(tf.norm(gradient) for gradient in gradients))


def jacov(network, images):
    """Returns how differently a network reacts to different images.

    The gradients of the sum of the outputs for each image are correlated. The
    score is minus the sum of log(v + ε) + 1 / (v + ε) over the eigenvalues v
    of the correlation matrix. It is the largest, minus the number of images,
    if the images are not correlated.

    Args:
        network: Keras model from images to logits.
        images: Tensor.

    Reference:

    - [Mellor et al., 2020](https://arxiv.org/abs/2006.04647v1)
    """
    images = tf.convert_to_tensor(images)
    with tf.GradientTape() as tape:
        tape.watch(images)
        total = tf.reduce_sum(network(images, training=True))
    jacobian = tape.gradient(total, images).numpy().reshape(len(images), -1)
    eigenvalues = np.linalg.eigvalsh(np.corrcoef(jacobian.astype("float64")))
    values = eigenvalues + EPSILON
    return float(-np.sum(np.log(values) + 1 / values))


def in_float64(network):
    """Returns a network for images in double precision, of equal weights.

    Args:
        network: `tfdarts.CNNNetwork`, or one of another structure.
    """
    config = {**network.get_config(), "dtype": "float64"}
    double = type(network).from_config(config)
    double.set_weights(network.get_weights())
    return double
