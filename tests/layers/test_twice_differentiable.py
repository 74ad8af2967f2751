"""Max pooling differentiated twice, where TensorFlow's kernel gives zeros."""

import numpy as np
import pytest
import tensorflow as tf

from tfdarts.layers.primitives import MaxPooling3x3
from tfdarts.layers.primitives import twice_differentiable

X = np.random.default_rng(0).normal(size=(2, 5, 6, 3)).astype("float32")


def mixed_product(w, v):
    """∇α <∇w L, v> of L = Σ α pool(w x), at α = 1: linear in α."""
    layer = MaxPooling3x3()
    alphas = tf.ones_like(w)
    with tf.GradientTape() as outer:
        outer.watch(alphas)
        with tf.GradientTape() as inner:
            inner.watch(w)
            loss = tf.reduce_sum(alphas * layer(w * X))
        along = tf.reduce_sum(inner.gradient(loss, w) * v)
    return outer.gradient(along, alphas)


def expected(w, v):
    """What `v x` is where the maximum of `w x` is, for each window."""
    sides = [(0, 0), (1, 1), (1, 1), (0, 0)]
    values = np.pad(w * X, sides, constant_values=-np.inf)
    along = np.pad(v * X, sides)
    product = np.zeros_like(X)
    for b, i, j, c in np.ndindex(X.shape):
        window = b, slice(i, i + 3), slice(j, j + 3), c
        product[b, i, j, c] = along[window].flat[values[window].argmax()]
    return product


def random_like_x(seed):
    return np.random.default_rng(seed).normal(size=X.shape).astype("float32")


def test_second_derivative_of_max_pooling_is_right():
    w, v = random_like_x(1), random_like_x(2)
    with twice_differentiable():
        product = tf.function(mixed_product)(tf.constant(w), tf.constant(v))
    np.testing.assert_allclose(product, expected(w, v), rtol=1e-5)


def test_tensorflow_gives_zeros():
    """Once it does not any more, `twice_differentiable` can go."""
    w, v = random_like_x(1), random_like_x(2)
    product = tf.function(mixed_product)(tf.constant(w), tf.constant(v))
    np.testing.assert_array_equal(product, np.zeros_like(X))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_value_and_gradient_are_those_of_the_kernel(dtype):
    layer = MaxPooling3x3(dtype=dtype)

    def value_and_gradient():
        x = tf.constant(X, dtype)
        with tf.GradientTape() as tape:
            tape.watch(x)
            pooled = layer(x)
            loss = tf.reduce_sum(tf.square(pooled))
        return pooled, tape.gradient(loss, x)

    plain = value_and_gradient()
    with twice_differentiable():
        made_of_maxima = value_and_gradient()
    for one, other in zip(plain, made_of_maxima):
        np.testing.assert_allclose(one, other, rtol=1e-6)
