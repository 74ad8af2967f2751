"""A training on two replicas is that on one device with the whole batch."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfdarts
from tfdarts.models.auxiliary_head import WithAuxiliaryHead
from tfdarts.models.carried_state import WithCarriedState
from tfdarts.models.language_model import LanguageModel
from tfdarts.models.rnn_network import RNNNetwork
from tfdarts.training.devices import Replicas
from tfdarts.training.on_replicas import OnReplicas
from tfdarts.training.on_replicas import ReadingOnReplicas
from tfdarts.training.on_replicas import predicted
from tfdarts.training.optimizers import SGD

CPUS = ["CPU:0", "CPU:1"]
VOCABULARY = 11


def classifier():
    """With all that has a state or random numbers, and an average."""
    keras.utils.set_random_seed(0)
    network = tfdarts.CNNNetwork(
        tfdarts.genotypes.get("DARTS_V2"),
        2,
        3,
        3,
        (8, 8, 1),
        drop_path=True,
        dtype="float64",
    )
    network.drop_path.rate.assign(0.3)
    model = WithAuxiliaryHead(network)
    model.compile(
        SGD(0.05, l2=1e-3, clip_norm=0.5, use_ema=True, ema_momentum=0.5),
        keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, dtype="float64"
        ),
        metrics=["accuracy"],
        jit_compile=False,
    )
    model.optimizer.build(model.trainable_variables)
    return model


@pytest.fixture(scope="module")
def images():
    random = np.random.default_rng(0)
    return random.normal(size=(21, 8, 8, 1)), random.integers(0, 3, 21)


def fitted(model, inner, images, class_weight=None):
    x, y = images
    batches = tf.data.Dataset.from_tensor_slices((x[:16], y[:16])).batch(8)
    tests = tf.data.Dataset.from_tensor_slices((x, y)).batch(16)
    history = model.fit(
        batches,
        epochs=2,
        validation_data=tests,
        class_weight=class_weight,
        shuffle=False,
        verbose=0,
    ).history
    return history, [
        variable.numpy() for variable in inner.variables if variable.shape
    ] + [v.numpy() for v in inner.optimizer.variables]


def require_the_same(one, other):
    assert {*one[0]} == {*other[0]}
    for name, value in one[0].items():
        np.testing.assert_allclose(
            value, other[0][name], rtol=1e-6, err_msg=name
        )
    for a, b in zip(one[1], other[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10)


def test_two_replicas_train_a_classifier_as_one(images):
    alone, shared = classifier(), classifier()
    together = OnReplicas(shared, Replicas(CPUS))
    expected = fitted(alone, alone, images)
    found = fitted(together, shared, images)
    require_the_same(expected, found)
    dataset = tf.data.Dataset.from_tensor_slices(images).batch(9)
    outputs = predicted(shared.network, dataset, Replicas(CPUS))
    logits = alone.network.predict(dataset, verbose=0)
    np.testing.assert_allclose(outputs, logits, rtol=1e-6, atol=1e-8)


def linear_classifier():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 1), dtype="float64")
    outputs = keras.layers.Flatten(dtype="float64")(inputs)
    outputs = keras.layers.Dense(3, dtype="float64")(outputs)
    model = keras.Model(inputs, outputs)
    model.compile(
        SGD(0.1, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, dtype="float64"
        ),
        metrics=["accuracy"],
        jit_compile=False,
    )
    model.optimizer.build(model.trainable_variables)
    return model


def test_two_replicas_weight_classes_as_keras_on_one_device(images):
    class_weight = {0: 0.5, 1: 1.0, 2: 3.0}
    alone, shared = linear_classifier(), linear_classifier()
    together = OnReplicas(shared, Replicas(CPUS))
    expected = fitted(alone, alone, images, class_weight)
    require_the_same(expected, fitted(together, shared, images, class_weight))
    unweighted = linear_classifier()
    history, _ = fitted(unweighted, unweighted, images)
    assert history["loss"] != pytest.approx(expected[0]["loss"], rel=0.01)


def language_model(cell):
    keras.utils.set_random_seed(0)
    if cell == "lstm":
        lstm = keras.layers.LSTM(
            4, return_sequences=True, return_state=True, dtype="float64"
        )
        return LanguageModel(lstm, VOCABULARY, 4, dtype="float64")
    return RNNNetwork(
        tfdarts.genotypes.get("DARTS_V2", space="rnn"),
        VOCABULARY,
        4,
        dtype="float64",
        word_dropout=0.2,
        embedding_dropout=0.2,
        input_dropout=0.3,
        recurrent_dropout=0.3,
        output_dropout=0.3,
        activation_l2=0.1,
        temporal_l2=0.1,
    )


@pytest.mark.parametrize("cell", ["genotype", "lstm"])
def test_two_replicas_train_a_language_model_as_one(cell):
    text = np.random.default_rng(0).integers(0, VOCABULARY, (6, 19))
    lengths = (5, 3, 6, 4)
    results = []
    for replicas in (Replicas(), Replicas(CPUS)):
        network = language_model(cell)
        model = WithCarriedState(network)
        if replicas.count > 1:
            model = ReadingOnReplicas(network, replicas)
        model.compile(SGD(0.5, momentum=0.0, clip_norm=0.2))
        start = 0
        for length in lengths:
            part = text[:, start : start + length + 1]
            model.train_step((part[:, :-1], part[:, 1:]))
            start += length
        trained = float(model.loss_tracker.result())
        model.reset_metrics()
        # Five rows, which two cannot share evenly.
        for part in (text[:5, :8], text[:5, 7:12]):
            tested = model.test_step((part[:, :-1], part[:, 1:]))["loss"]
        logs = {"loss": trained, "val_loss": float(tested)}
        results.append((logs, [v.numpy() for v in network.variables]))
    require_the_same(*results)
