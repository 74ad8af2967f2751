"""Labels that fit no loss of a model are refused before the first step."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfdarts.layers.layer_choice import LayerChoice
from tfdarts.strategies.darts import DARTS
from tfdarts.strategies.label_checks import check_labels

layers = keras.layers
X = np.zeros((4, 5), "float32")
ONE_HOT = np.eye(3)[[0, 1, 2, 0]]
SPARSE = keras.losses.SparseCategoricalCrossentropy


class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.choice = LayerChoice([layers.Dense(3), layers.Dense(3, "relu")])

    def call(self, inputs):
        return self.choice(inputs)


def one_output(units=3):
    inputs = keras.Input((5,))
    candidates = [layers.Dense(units), layers.Dense(units, "relu")]
    return keras.Model(inputs, LayerChoice(candidates)(inputs))


def two_outputs():
    inputs = keras.Input((5,))
    x = LayerChoice([layers.Dense(4), layers.Dense(4, "relu")])(inputs)
    outputs = {
        "number": layers.Dense(1, name="number")(x),
        "kind": layers.Dense(3, name="kind")(x),
    }
    return keras.Model(inputs, outputs)


TWO = {"number": "mse", "kind": SPARSE(from_logits=True)}


@pytest.mark.parametrize(
    ("make", "loss", "y", "message"),
    [
        (one_output, None, ONE_HOT, "Labels must be class numbers of shape"),
        (Own, None, ONE_HOT, "For one-hot labels give `compile` loss=keras"),
        (one_output, None, [0, 1, 2, 3], "from 0 to 2.* Received .*0 to 3"),
        (one_output, None, [0, 1, 2, -1], "from 0 to 2.* from -1 to 2"),
        (one_output, None, [0, 0.5, 0, 1], "not names or probabilities"),
        (
            one_output,
            "categorical_crossentropy",
            [0, 1, 2, 0],
            r"must have the shape of the outputs, \('batch', 3\)",
        ),
        (
            lambda: one_output(1),
            "mse",
            np.zeros((4, 2)),
            r"outputs, \('batch', 1\). Received labels of .*'batch', 2",
        ),
        (
            two_outputs,
            TWO,
            {"number": np.zeros(4)},
            "There are no labels of the output 'kind', but it has a loss",
        ),
        (
            two_outputs,
            TWO,
            {"number": np.zeros(4), "kind": ONE_HOT},
            "Labels of the output 'kind' must be class numbers",
        ),
        (
            two_outputs,
            TWO,
            {"number": np.zeros(4), "sort": ONE_HOT},
            "There are labels for .*'sort'.*, but the outputs of the model",
        ),
    ],
)
def test_what_is_refused_before_the_first_step(make, loss, y, message):
    model = make()
    model(X)
    search = DARTS(model, order=1)
    search.compile(loss=loss)
    y = tf.nest.map_structure(np.asarray, y) if isinstance(y, dict) else y
    data = X, np.asarray(y) if isinstance(y, list) else y
    before = [weight.numpy() for weight in model.weights]
    with pytest.raises(ValueError, match=message):
        search.fit(data, data, verbose=0)
    with pytest.raises(ValueError, match=message):
        search.evaluate(*data, verbose=0)
    for one, other in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("loss", "labels", "outputs"),
    [
        (SPARSE(), (4,), (4, 3)),
        (SPARSE(), (4, 1), (4, 3)),
        ("sparse_categorical_crossentropy", (4, 7), (4, 7, 3)),
        (keras.losses.MeanSquaredError(), (4,), (4, 1)),
        (keras.losses.MeanSquaredError(), (4, 7), (4, 7, 1)),
        (keras.losses.BinaryCrossentropy(), (4, 1), (4,)),
        (keras.losses.CTC(), (4, 2), (4, 7, 3)),
        (lambda y, outputs: 0.0, (4, 9), (4, 1)),
    ],
)
def test_what_keras_takes_is_taken(loss, labels, outputs):
    if isinstance(loss, str):
        loss = keras.losses.get(loss)
    check_labels(loss, tf.zeros(labels), tf.zeros(outputs))


def test_names_are_no_class_numbers():
    with pytest.raises(ValueError, match="not names .* Received string label"):
        check_labels(SPARSE(), tf.constant([*"abc"]), tf.zeros((3, 3)))


def test_an_ignored_class_is_no_class_number():
    labels = tf.constant([0, 255, 2])
    check_labels(SPARSE(ignore_class=255), labels, tf.zeros((3, 3)))
    with pytest.raises(ValueError, match="from 0 to 2"):
        check_labels(SPARSE(), labels, tf.zeros((3, 3)))


def test_an_output_without_a_loss_has_no_labels():
    search = DARTS(two_outputs(), order=1)
    search.compile(loss={"number": "mse"})
    data = X, {"number": np.zeros(4)}
    history = search.fit(data, data, verbose=0).history
    assert np.isfinite(history["loss"]).all()
