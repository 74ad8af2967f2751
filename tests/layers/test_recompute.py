"""Activations computed anew give the same gradients out of less memory."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfdarts.layers.batch_norm import BatchNorm
from tfdarts.layers.recompute import call_and_recompute
from tfdarts.training.memory import peak_bytes

DEPTH = 10


@pytest.fixture
def layer():
    layer = keras.Sequential(
        [keras.layers.Dense(6, use_bias=False, dtype="float64")]
    )
    for _ in range(DEPTH):
        layer.add(keras.layers.Activation("tanh", dtype="float64"))
    layer.build((None, 6))
    return layer


def gradients_of(call, layer, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs = call(x)
        loss = tf.reduce_sum(outputs**3)
    return [outputs, *tape.gradient(loss, [x, *layer.trainable_variables])]


def test_output_and_gradients_are_the_layers(layer):
    x = tf.random.stateless_normal((7, 6), [1, 2], dtype="float64")

    def plain(x):
        return layer(x, training=True)

    ours = gradients_of(lambda x: call_and_recompute(layer, x), layer, x)
    for value, wanted in zip(ours, gradients_of(plain, layer, x), strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-12)


def test_second_derivatives_are_the_layers(layer):
    x = tf.random.stateless_normal((7, 6), [1, 2], dtype="float64")
    (kernel,) = layer.trainable_variables

    def mixed(call):
        with tf.GradientTape() as outer:
            outer.watch(x)
            _, of_x, of_kernel = gradients_of(call, layer, x)
            along = tf.reduce_sum(of_kernel * tf.cos(kernel))
        return outer.gradient(along, x)

    np.testing.assert_allclose(
        mixed(lambda x: call_and_recompute(layer, x)),
        mixed(lambda x: layer(x, training=True)),
        rtol=1e-12,
    )


def test_moving_statistics_move_once():
    first, second = BatchNorm(), BatchNorm()
    x = tf.random.stateless_normal((4, 3, 3, 2), [1, 2], mean=3.0)
    for norm in (first, second):
        norm.build(x.shape)
    with tf.GradientTape() as tape:
        outputs = call_and_recompute(first, x)
    tape.gradient(outputs, first.trainable_variables)
    second(x, training=True)
    for ours, wanted in zip(first.weights, second.weights, strict=True):
        np.testing.assert_allclose(ours, wanted, rtol=1e-6)
    assert float(first.moving_mean[0]) > 0.1


def test_activations_are_not_kept(layer):
    """Of three layers in a row, those of one are held at a time."""
    spec = tf.TensorSpec((1000, 6), tf.float64)

    def peak(call):
        @tf.function
        def gradients(x):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(call(call(call(x))))
            return tape.gradient(loss, layer.trainable_variables)

        return peak_bytes(gradients.get_concrete_function(spec).graph)

    kept = peak(lambda x: layer(x, training=True))
    anew = peak(lambda x: call_and_recompute(layer, x))
    size = 1000 * 6 * 8
    assert kept > 3 * DEPTH * size
    assert anew < (DEPTH + 6) * size


def test_the_second_time_waits_for_the_gradient(layer):
    """Or TensorFlow might run both at once, and keep all of it."""
    x = tf.random.stateless_normal((7, 6), [1, 2], dtype="float64")

    def waiting(call):
        @tf.function
        def gradient(x):
            return gradients_of(call, layer, x)

        graph = gradient.get_concrete_function(x).graph
        return sum(
            operation.type == "Identity" and bool(operation.control_inputs)
            for operation in graph.get_operations()
        )

    kept = waiting(lambda x: layer(x, training=True))
    # The input and the kernel.
    assert waiting(lambda x: call_and_recompute(layer, x)) == kept + 2
