"""The cross-entropy of words is that of TensorFlow, and so is its gradient."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfdarts.layers.primitives import twice_differentiable
from tfdarts.models.word_cross_entropy import WordCrossEntropy
from tfdarts.models.word_cross_entropy import word_cross_entropy

ROWS, STEPS, WORDS = 2, 3, 5


def example(dtype="float64", scale=1.0):
    random = np.random.default_rng(0)
    logits = scale * random.normal(size=(ROWS, STEPS, WORDS))
    labels = random.integers(0, WORDS, (ROWS, STEPS))
    weights = random.normal(size=(ROWS, STEPS))
    return labels, *(tf.constant(each, dtype) for each in (logits, weights))


def closed_form(labels, logits, weights):
    """Losses and the gradient of their weighted sum, in float64."""
    logits = logits.numpy().astype("float64")
    shifted = logits - logits.max(-1, keepdims=True)
    normalizer = np.log(np.exp(shifted).sum(-1, keepdims=True))
    log_probabilities = shifted - normalizer
    chosen = np.eye(WORDS)[labels]
    losses = -(chosen * log_probabilities).sum(-1)
    gradient = weights.numpy()[..., None] * (np.exp(log_probabilities) - chosen)
    return losses, gradient


@pytest.mark.parametrize(
    "dtype, error", [("float64", 1e-12), ("float32", 1e-6)]
)
@pytest.mark.parametrize("label_dtype", ["int32", "int64", "uint8"])
@pytest.mark.parametrize("compiled", [False, True])
def test_it_is_the_closed_form(dtype, error, label_dtype, compiled):
    labels, logits, weights = example(dtype)

    def losses_and_gradient(labels, logits):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            losses = word_cross_entropy(labels, logits)
            total = tf.reduce_sum(weights * losses)
        return losses, tape.gradient(total, logits)

    if compiled:
        losses_and_gradient = tf.function(losses_and_gradient, autograph=False)
    found = losses_and_gradient(tf.constant(labels, label_dtype), logits)
    for one, other in zip(found, closed_form(labels, logits, weights)):
        np.testing.assert_allclose(one, other, atol=error)


def test_a_tape_around_a_compiled_function_finds_the_same_gradient():
    labels, logits, weights = example()
    compiled = tf.function(word_cross_entropy, autograph=False)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        total = tf.reduce_sum(weights * compiled(labels, logits))
    np.testing.assert_allclose(
        tape.gradient(total, logits),
        closed_form(labels, logits, weights)[1],
        atol=1e-12,
    )


def test_improbable_words_have_finite_losses():
    """In float32, a probability of exp(-200) is zero."""
    logits = tf.constant([[200.0, 0.0, 0.0]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        losses = word_cross_entropy([1], logits)
    np.testing.assert_allclose(losses, [200.0])
    np.testing.assert_allclose(tape.gradient(losses, logits), [[1, -1, 0]])


def test_second_derivatives_are_those_of_the_closed_form():
    labels, logits, weights = example()
    ones = tf.ones_like(logits) * tf.range(WORDS, dtype=logits.dtype)
    with twice_differentiable(), tf.GradientTape() as outer:
        outer.watch(logits)
        with tf.GradientTape() as inner:
            inner.watch(logits)
            total = tf.reduce_sum(weights * word_cross_entropy(labels, logits))
        slope = tf.reduce_sum(inner.gradient(total, logits) * ones)
    product = outer.gradient(slope, logits)
    step = 1e-5
    differences = [
        closed_form(labels, logits + side * step * ones, weights)[1]
        for side in (1, -1)
    ]
    expected = (differences[0] - differences[1]) / (2 * step)
    np.testing.assert_allclose(product, expected, atol=1e-8)


def test_the_keras_loss_weighs_and_reduces():
    labels, logits, weights = example("float32")
    found = WordCrossEntropy()(labels, logits, sample_weight=weights)
    expected = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    np.testing.assert_allclose(
        found, expected(labels, logits, sample_weight=weights), rtol=1e-5
    )
    loss = WordCrossEntropy("sum", name="mine")
    copy = keras.losses.deserialize(keras.losses.serialize(loss))
    assert (copy.reduction, copy.name) == ("sum", "mine")
    assert float(copy(labels, logits)) == float(loss(labels, logits))
