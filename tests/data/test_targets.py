"""Targets against Keras' own label smoothing, and by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfdarts.data.targets import soft_targets
from tfdarts.data.targets import weight_by_class

LABELS = tf.constant([2, 0, 1, 2])
LOGITS = tf.constant(np.random.default_rng(0).normal(size=(4, 3)), tf.float32)


def test_smoothed_loss_of_three_classes_by_hand():
    """The authors': -(0.9 + 0.1 / 3) log p of the class, 0.1 / 3 of others."""
    images, targets = soft_targets(3, label_smoothing=0.1)(None, LABELS, [0, 0])
    assert images is None
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    logits = LOGITS.numpy().astype("float64")
    log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    own = log_p[np.arange(4), LABELS.numpy()]
    expected = -(0.9 * own + 0.1 * log_p.mean(1)).mean()
    assert float(loss(targets, LOGITS)) == pytest.approx(expected, rel=1e-6)


def test_smoothing_is_keras_own():
    _, targets = soft_targets(3, label_smoothing=0.3)(None, LABELS, [0, 0])
    plain = keras.losses.CategoricalCrossentropy(from_logits=True)
    keras_own = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=0.3
    )
    np.testing.assert_allclose(
        plain(targets, LOGITS),
        keras_own(tf.one_hot(LABELS, 3), LOGITS),
        rtol=1e-6,
    )


def test_mixup_is_of_smoothed_labels():
    images = tf.random.stateless_uniform([4, 2, 2, 1], [0, 1])
    transform = soft_targets(3, label_smoothing=0.3, mixup=1.0)
    mixed, targets = transform(images, LABELS, [1, 2])
    assert mixed.shape == images.shape
    assert np.abs(mixed - images).max() > 0.01
    np.testing.assert_allclose(tf.reduce_sum(targets, 1), 1, rtol=1e-5)
    assert targets.numpy().min() >= 0.1 - 1e-6


def test_classes_without_a_weight_count_one():
    """As a class of which no training image is left."""
    weigh = weight_by_class({0: 0.5, 2: 3.0})
    labels = tf.constant([2, 1, 0])
    assert weigh(None, labels)[2].numpy().tolist() == [3.0, 1.0, 0.5]
    soft = tf.one_hot(labels, 3, on_value=0.6, off_value=0.2)
    assert weigh(None, soft)[2].numpy().tolist() == [3.0, 1.0, 0.5]
