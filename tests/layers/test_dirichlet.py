"""The Dirichlet relaxation against moments in closed form."""

import keras
import numpy as np
import pytest
import scipy.special
import tensorflow as tf

import tfdarts
from tfdarts.layers.layer_choice import LayerChoice
from tfdarts.layers.relaxations import Dirichlet
from tfdarts.models.cnn_supernet import CNNSupernet
from tfdarts.models.rnn_supernet import RNNSupernet
from tfdarts.strategies.darts import DARTS

ALPHA = np.array([1.5, 0.0, -0.7])
COUNT = 40_000
PRIMITIVES = ("max_pool_3x3", "skip_connect", "sep_conv_3x3", "dil_conv_3x3")


def concentrations(alpha):
    return np.where(alpha > 0, alpha + 1, np.exp(alpha))


def draw(alpha=ALPHA, count=COUNT, seed=0):
    rows = tf.constant(np.tile(alpha, (count, 1)))
    return Dirichlet(seed=seed).weights_of(rows, training=True)


def test_samples_have_the_moments_of_the_distribution():
    samples = draw().numpy()
    np.testing.assert_allclose(samples.sum(-1), 1, rtol=1e-12)
    of_each = concentrations(ALPHA)
    total = of_each.sum()
    mean = of_each / total
    variance = mean * (1 - mean) / (total + 1)
    error = 4 * np.sqrt(variance / COUNT)
    assert (np.abs(samples.mean(axis=0) - mean) < error).all()
    np.testing.assert_allclose(samples.var(axis=0), variance, rtol=0.05)


def second_moments(alpha):
    of_each = concentrations(alpha)
    total = of_each.sum()
    return of_each * (of_each + 1) / (total * (total + 1))


def test_the_mean_of_the_gradients_is_the_gradient_of_the_mean():
    """Of the second moments, whose closed form is differentiated."""
    alpha = np.array([1.5, 0.3, -0.7])
    rows = tf.constant(np.tile(alpha, (COUNT, 1)))
    for position in range(3):
        with tf.GradientTape() as tape:
            tape.watch(rows)
            samples = Dirichlet(seed=1).weights_of(rows, training=True)
            value = tf.reduce_sum(samples[:, position] ** 2)
        gradients = tape.gradient(value, rows).numpy()
        numeric = [
            second_moments(alpha + step)[position]
            - second_moments(alpha - step)[position]
            for step in 1e-5 * np.eye(3)
        ]
        numeric = np.divide(numeric, 2e-5)
        error = 4 * gradients.std(axis=0) / np.sqrt(COUNT)
        assert (error < 0.01).all()
        assert (np.abs(gradients.mean(axis=0) - numeric) < error).all()


def test_outside_of_training_the_weights_are_the_mean():
    of_each = concentrations(ALPHA)
    relaxation = Dirichlet(seed=0)
    state = relaxation.seed_generator.state.numpy()
    np.testing.assert_allclose(
        relaxation.weights_of(tf.constant(ALPHA[None]))[0],
        of_each / of_each.sum(),
        rtol=1e-12,
    )
    np.testing.assert_array_equal(relaxation.seed_generator.state, state)


def test_edges_are_ranked_by_the_softmax_as_in_the_authors_code():
    """Of 500 random cells, each edge by the largest entry of its softmax."""
    space = tfdarts.CNNSearchSpace(4, PRIMITIVES)
    alphas = np.random.default_rng(0).normal(size=(500, *space.alpha_shape))
    rows = Dirichlet().probabilities(alphas.reshape(-1, len(PRIMITIVES)))
    for alpha, own in zip(alphas, rows.reshape(alphas.shape)):
        genotype = space.derive({name: own for name in space.cell_types})
        of_edges = scipy.special.softmax(alpha, axis=1)
        for node, edges in zip(space.nodes, genotype.cells["normal"].nodes):
            into = of_edges[[to == node for to, _ in space.edges]]
            ranked = np.argsort(-into.max(axis=1))[:2]
            assert {*edges} == {
                (PRIMITIVES[into[source].argmax()], source) for source in ranked
            }


def test_a_seed_repeats_all_and_each_pass_draws_anew():
    relaxation, alpha = Dirichlet(seed=3), tf.constant(ALPHA[None])
    first, second = (relaxation.weights_of(alpha, True) for _ in range(2))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(draw(count=1, seed=3), first)


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize(
    "alpha", [[-50, 0, 3], [-1e9, 0, 1], [-40, -40, -40], [300, 0, 0]]
)
def test_extreme_alphas_have_finite_weights_and_gradients(alpha, dtype):
    alpha = tf.constant([alpha], dtype)
    for training in (False, True):
        with tf.GradientTape() as tape:
            tape.watch(alpha)
            weights = Dirichlet(seed=0).weights_of(alpha, training)
            value = tf.reduce_sum(weights**2)
        found = [weights, tape.gradient(value, alpha)]
        for each in found:
            assert np.isfinite(tf.cast(each, "float32")).all()
        excluded = tf.cast(alpha, "float32") < -1e8
        assert not np.any(tf.boolean_mask(weights, excluded))


@pytest.mark.parametrize("order", [1, 2])
def test_alphas_of_any_model_move(order):
    images = np.random.default_rng(0).normal(size=(8, 4, 4, 1))
    words = np.arange(10).reshape(2, 5)
    inputs = keras.Input((4,))
    candidates = [keras.layers.ReLU(), keras.layers.Activation("tanh")]
    chosen = LayerChoice(candidates, relaxation="dirichlet")(
        keras.layers.Dense(3)(inputs)
    )
    for model, x, y in (
        (
            CNNSupernet(
                2, 3, 3, (4, 4, 1), num_nodes=1, relaxation="dirichlet"
            ),
            *(images.astype("float32"), np.arange(8) % 3),
        ),
        (RNNSupernet(11, 4, 2, relaxation="dirichlet"), words, words),
        (
            keras.Model(inputs, chosen),
            *(images[:, 0, :, 0].astype("float32"), np.arange(8) % 3),
        ),
    ):
        search = DARTS(model, order=order)
        search.compile()
        before = [v.numpy() for v in search.alpha_variables]
        search.train_step(((x, y), (x, y)))
        for variable, value in zip(search.alpha_variables, before):
            assert (variable.numpy() != value).any()


def test_a_supernet_is_saved_with_the_state_of_its_seed(tmp_path):
    made = CNNSupernet(
        2, 3, 3, (4, 4, 1), num_nodes=1, relaxation=Dirichlet(seed=5)
    )
    x = np.ones((2, 4, 4, 1), "float32")
    made(x, training=True)
    made.save(tmp_path / "supernet.keras")
    loaded = keras.saving.load_model(tmp_path / "supernet.keras")
    np.testing.assert_array_equal(
        loaded(x, training=True), made(x, training=True)
    )
