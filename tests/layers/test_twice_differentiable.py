"""Max pooling differentiated twice, where TensorFlow's kernel gives zeros."""

import numpy as np
import pytest
import tensorflow as tf

from tfdarts.layers.primitives import MaxPooling3x3
from tfdarts.layers.primitives import twice_differentiable

X = np.random.default_rng(0).normal(size=(2, 5, 6, 3)).astype("float32")


@tf.function
def product_of_hessian(x, v):
    """∇x <∇x L, v> of L = Σ pool(x²)²: the input of the pool is not x."""
    layer = MaxPooling3x3()
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            loss = tf.reduce_sum(tf.square(layer(tf.square(x))))
        along = tf.reduce_sum(inner.gradient(loss, x) * v)
    return outer.gradient(along, x)


def expected(x, v):
    """L = Σ_i n_i x_i⁴, n_i the windows whose maximum is x_i²."""
    squares = np.square(x)
    padded = np.pad(
        squares, [(0, 0), (1, 1), (1, 1), (0, 0)], constant_values=-np.inf
    )
    counts = np.zeros_like(x)
    batch, height, width, channels = x.shape
    for index in np.ndindex(batch, height, width, channels):
        b, i, j, c = index
        window = padded[b, i : i + 3, j : j + 3, c]
        di, dj = np.unravel_index(window.argmax(), (3, 3))
        counts[b, i + di - 1, j + dj - 1, c] += 1
    return 12 * counts * squares * v


def test_second_derivative_of_max_pooling_is_right():
    v = np.random.default_rng(1).normal(size=X.shape).astype("float32")
    with twice_differentiable():
        product = product_of_hessian(tf.constant(X), tf.constant(v))
    np.testing.assert_allclose(product, expected(X, v), rtol=1e-4, atol=1e-5)


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
