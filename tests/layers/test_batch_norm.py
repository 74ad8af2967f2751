"""Batch normalisation against NumPy, to second order."""

import functools

import keras
import numpy as np
import numpy_reference
import pytest
import tensorflow as tf
from samples import image
from samples import scramble

from tfdarts.layers.batch_norm import BatchNorm
from tfdarts.layers.batch_norm import has_synchronized
from tfdarts.layers.batch_norm import synchronize_batch_norms
from tfdarts.layers.convolutions import ReLUConvBN
from tfdarts.layers.convolutions import SepConv
from tfdarts.replicas import parts_of

TOLERANCE = {"float32": 1e-5, "float64": 1e-12}


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    """The fused kernel, and mean and variance written out."""
    return request.param


def built(affine, dtype, channels=3):
    layer = BatchNorm(affine, dtype=dtype)
    layer.build((None, None, None, channels))
    scramble(layer)
    return layer


@pytest.mark.parametrize("affine", [True, False])
def test_training_normalizes_by_the_batch(affine, dtype):
    layer = built(affine, dtype)
    x = image(4, 3, 5, 3)
    weights = [w.numpy().astype("float64") for w in layer.trainable_weights]
    assert len(weights) == (2 if affine else 0)
    np.testing.assert_allclose(
        layer(x, training=True),
        numpy_reference.batch_norm(x, iter(weights) if affine else None),
        atol=TOLERANCE[dtype],
    )


def test_epsilon_is_pytorchs(dtype):
    """A variance that epsilon doubles."""
    x = np.sqrt(1e-5) * np.array([1.0, -1.0]).reshape(2, 1, 1, 1)
    outputs = BatchNorm(False, dtype=dtype)(x, training=True)
    np.testing.assert_allclose(
        np.ravel(outputs), [0.5**0.5, -(0.5**0.5)], rtol=1e-5
    )


def test_moving_statistics(dtype):
    """Momentum .9; the variance that is kept divides by n - 1."""
    layer = built(False, dtype)
    mean, variance = (v.numpy() for v in layer.non_trainable_weights)
    for seed in range(3):
        x = image(2, 3, 2, 3, seed=seed)
        layer(x, training=True)
        mean = 0.9 * mean + 0.1 * x.mean((0, 1, 2))
        variance = 0.9 * variance + 0.1 * x.var((0, 1, 2), ddof=1)
    np.testing.assert_allclose(layer.moving_mean, mean, atol=TOLERANCE[dtype])
    np.testing.assert_allclose(
        layer.moving_variance, variance, atol=TOLERANCE[dtype]
    )


@pytest.mark.parametrize("how", ["training=False", "not trainable"])
def test_inference_normalizes_by_the_moving_statistics(how, dtype):
    layer = built(True, dtype)
    layer.trainable = how != "not trainable"
    x = image(2, 3, 5, 3)
    gamma, beta, mean, variance = (
        v.numpy()
        for v in (
            layer.gamma,
            layer.beta,
            layer.moving_mean,
            layer.moving_variance,
        )
    )
    expected = gamma * (x - mean) / np.sqrt(variance + 1e-5) + beta
    np.testing.assert_allclose(
        layer(x, training=how == "not trainable"),
        expected,
        atol=TOLERANCE[dtype],
    )
    np.testing.assert_array_equal(layer.moving_mean, mean)
    np.testing.assert_array_equal(layer.moving_variance, variance)


def test_both_ways_agree():
    x = image(4, 3, 5, 3)
    fused, written_out = (
        built(True, dtype) for dtype in ("float32", "float64")
    )
    np.testing.assert_allclose(
        fused(x, training=True), written_out(x, training=True), atol=1e-5
    )
    for one, other in zip(fused.weights, written_out.weights):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def by_hand(x):
    """TensorFlow's and Keras' moments lack a term of second order."""
    mean = tf.reduce_mean(x, [0, 1, 2])
    variance = tf.reduce_mean((x - mean) ** 2, [0, 1, 2])
    return (x - mean) * (variance + 1e-5) ** -0.5


def gradient_and_product(normalize, x, vector):
    """The gradient of a loss of the normalised x, and Hessian times vector."""
    random = np.random.default_rng(5)
    factors = tf.constant(random.normal(size=x.shape), x.dtype)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            loss = tf.reduce_sum(factors * tf.tanh(normalize(x)))
        gradient = inner.gradient(loss, x)
        along = tf.reduce_sum(gradient * vector)
    return gradient.numpy(), outer.gradient(along, x).numpy()


def test_second_derivative(dtype):
    """With a mean: without one a wrong formula can be right."""
    layer = BatchNorm(False, dtype=dtype)
    x = tf.constant(3.0 + image(4, 2, 3, 2))
    vector = tf.constant(image(*x.shape, seed=1))
    expected = gradient_and_product(by_hand, x, vector)
    step = 1e-5 * vector
    above, below = (
        gradient_and_product(by_hand, value, vector)[0]
        for value in (x + step, x - step)
    )
    np.testing.assert_allclose(
        expected[1], (above - below) / 2e-5, rtol=1e-6, atol=1e-6
    )
    results = gradient_and_product(
        lambda x: layer(x, training=True),
        tf.cast(x, dtype),
        tf.cast(vector, dtype),
    )
    for result, value in zip(results, expected):
        np.testing.assert_allclose(
            result, value, atol={"float32": 1e-4, "float64": 1e-10}[dtype]
        )


def test_half_precision_normalizes_and_keeps_its_statistics():
    layer = BatchNorm(False, dtype="mixed_float16")
    x = image(4, 3, 5, 3)
    outputs = layer(x, training=True)
    assert outputs.dtype == tf.float16
    assert layer.moving_mean.dtype == "float32"
    np.testing.assert_allclose(
        outputs, numpy_reference.batch_norm(x), atol=5e-3
    )


def squares_and_gradients(layer, x, weights):
    """Outputs, and the gradient of a gradient of theirs."""
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            outputs = layer(x, training=True)
            loss = tf.reduce_sum(weights * outputs**2)
        gradient = inner.gradient(loss, x)
        norm = tf.reduce_sum(weights * gradient**2)
    return outputs, gradient, outer.gradient(norm, x)


def halves_and_whole(strategy, dtype, **arguments):
    """Returns results on two replicas, and the layer there."""
    whole = np.concatenate(
        [image(2, 3, 3, 2, seed=seed) + seed for seed in (0, 1)]
    ).astype(dtype)
    weights = image(4, 3, 3, 2, seed=2).astype(dtype)
    with strategy.scope():
        layer = BatchNorm(False, dtype=dtype, **arguments)
        layer.build(whole.shape)
    (shares,) = parts_of(strategy, (tf.constant(whole), tf.constant(weights)))
    step = tf.function(functools.partial(squares_and_gradients, layer))
    results = strategy.run(step, args=shares)
    local = strategy.experimental_local_results
    return (
        layer,
        whole,
        weights,
        [[*map(np.asarray, local(r))] for r in results],
    )


def test_synchronized_replicas_normalize_by_the_whole_batch(
    two_replicas, dtype
):
    """Values and derivatives of both orders, and the moving statistics."""
    layer, whole, weights, results = halves_and_whole(
        two_replicas, dtype, synchronized=True
    )
    alone = BatchNorm(False, dtype="float64")
    expected = squares_and_gradients(
        alone, tf.constant(whole, tf.float64), tf.constant(weights, tf.float64)
    )
    for result, each in zip(results, expected, strict=True):
        np.testing.assert_allclose(
            np.concatenate(result),
            each,
            atol={"float32": 1e-3, "float64": 1e-10}[dtype],
        )
    for name in ("moving_mean", "moving_variance"):
        np.testing.assert_allclose(
            getattr(layer, name), getattr(alone, name), rtol=TOLERANCE[dtype]
        )


def test_replicas_normalize_each_its_share(two_replicas, dtype):
    """As Keras does, so that they need not meet."""
    _, whole, _, (outputs, *_) = halves_and_whole(two_replicas, dtype)
    for half, output in zip(np.split(whole, 2), outputs):
        expected = numpy_reference.batch_norm(half.astype("float64"))
        np.testing.assert_allclose(output, expected, atol=TOLERANCE[dtype])


def test_all_batch_norms_of_a_model_are_synchronized():
    model = keras.Sequential(
        [keras.Input((4, 4, 3)), ReLUConvBN(2), SepConv(2, 3), BatchNorm()]
    )
    assert not has_synchronized(model)
    synchronize_batch_norms(model)
    assert has_synchronized(model)
    twin = keras.models.clone_model(model)
    assert twin.layers[-1].synchronized and not BatchNorm().synchronized


@pytest.mark.parametrize("axis", [1, 0, -2, (1, 2)])
def test_another_axis_is_refused(axis):
    with pytest.raises(ValueError, match="the channels: leave out `axis`"):
        BatchNorm(axis=axis)
    assert BatchNorm(axis=3).axis == 3


def test_a_single_value_has_a_finite_moving_variance():
    layer = BatchNorm(dtype="float64")
    layer(np.ones((1, 1, 1, 2)), training=True)
    np.testing.assert_allclose(layer.moving_variance.numpy(), 0.9)
