"""A language model reads on, and says how well in nats a word."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfdarts import genotypes
from tfdarts.models.carried_state import WithCarriedState
from tfdarts.models.rnn_network import RNNNetwork
from tfdarts.training.optimizers import SGD

WORDS, UNITS, ROWS = 7, 3, 4


def built(run_eagerly=True, learning_rate=0.0, **arguments):
    network = RNNNetwork(
        genotypes.get("DARTS_V1", "rnn"), WORDS, UNITS, **arguments
    )
    random = np.random.default_rng(1)
    for weight in network.trainable_weights:
        weight.assign(random.normal(size=weight.shape))
    model = WithCarriedState(network)
    model.compile(SGD(learning_rate, momentum=0.0), run_eagerly=run_eagerly)
    return model


def text(steps, seed=0):
    random = np.random.default_rng(seed)
    tokens = random.integers(0, WORDS, (ROWS, steps + 1))
    return tf.constant(tokens[:, :-1]), tf.constant(tokens[:, 1:])


def nats(network, x, y):
    """The mean of all words, from a state of zeros."""
    logits = network(x)[0].numpy().astype("float64")
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    return -np.take_along_axis(log_p, y.numpy()[..., None], -1).mean()


@pytest.mark.parametrize("kind", ["train", "test"])
def test_pieces_of_any_length_are_the_whole(kind):
    model = built()
    x, y = text(10)
    step = getattr(model, f"{kind}_step")
    for part in (slice(0, 7), slice(7, 8), slice(8, 10)):
        results = step((x[:, part], y[:, part]))
    assert float(results["loss"]) == pytest.approx(
        nats(model.network, x, y), rel=1e-5
    )
    # A text of its own begins at zeros.
    model.reset_states()
    model.reset_metrics()
    results = step((x[:, :3], y[:, :3]))
    expected = nats(model.network, x[:, :3], y[:, :3])
    assert float(results["loss"]) == pytest.approx(expected, rel=1e-5)


def test_every_test_begins_anew():
    model = built()
    x, y = text(6)
    halves = (tf.stack([each[:, :3], each[:, 3:]]) for each in (x, y))
    data = tf.data.Dataset.from_tensor_slices(tuple(halves))
    losses = [model.evaluate(data, verbose=0) for _ in range(2)]
    assert losses[0] == losses[1]
    assert losses[0] == pytest.approx(nats(model.network, x, y), rel=1e-5)


def test_training_and_tests_carry_states_of_their_own():
    model = built()
    x, y = text(6)
    model.train_step((x, y))
    model.reset_metrics()
    results = model.test_step((x, y))
    expected = nats(model.network, x, y)
    assert float(results["loss"]) == pytest.approx(expected, rel=1e-5)


def test_penalties_move_weights_and_stay_out_of_the_loss():
    models = [
        built(learning_rate=1.0, activation_l2=factor) for factor in (0.0, 9.0)
    ]
    losses = [float(model.train_step(text(6))["loss"]) for model in models]
    assert losses[0] == pytest.approx(losses[1])
    plain, penalised = (model.network.get_weights() for model in models)
    moved = [np.abs(a - b).max() for a, b in zip(plain, penalised)]
    assert max(moved) > 1e-3


def test_a_step_descends_the_gradient_of_the_mean():
    model = built(learning_rate=0.5)
    x, y = text(5)
    weights = model.network.trainable_weights
    before = [w.numpy() for w in weights]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    with tf.GradientTape() as tape:
        value = loss(y, model.network(x)[0])
    gradients = tape.gradient(value, [w.value for w in weights])
    model.train_step((x, y))
    for weight, old, gradient in zip(weights, before, gradients):
        np.testing.assert_allclose(
            weight.numpy(), old - 0.5 * gradient.numpy(), atol=1e-6
        )


def test_one_graph_serves_all_lengths():
    model = built(run_eagerly=False)
    for steps in (5, 3, 4, 6):
        model.train_step(text(steps))
    compiled = model._compiled_train.function
    assert compiled.experimental_get_tracing_count() == 1
