import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfdarts.layers import relaxations
from tfdarts.layers.alphas import Alphas
from tfdarts.models.cnn_supernet import CNNSupernet
from tfdarts.models.rnn_supernet import RNNSupernet

ALPHA = np.random.default_rng(0).normal(size=(14, 8))


def test_softmax_is_the_textbook_one():
    expected = [
        [math.exp(a) / math.fsum(map(math.exp, row)) for a in row]
        for row in ALPHA.tolist()
    ]
    found = relaxations.Softmax().probabilities(ALPHA)
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_probabilities_are_computed_in_float64():
    alphas = np.float32([[0, 1, 2]])
    found = relaxations.Softmax().probabilities(alphas)
    assert found.dtype == "float64"
    expected = relaxations.Softmax().probabilities([[0.0, 1.0, 2.0]])
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("size", [1000.0, 1e300])
def test_extreme_alphas_neither_overflow_nor_become_nan(size):
    alphas = [[size, -size, 0], [size, size, -size]]
    found = relaxations.Softmax().probabilities(alphas)
    np.testing.assert_allclose(found, [[1, 0, 0], [0.5, 0.5, 0]], atol=1e-15)


def samples(relaxation, alpha, count):
    draw = tf.function(lambda: relaxation.weights_of(alpha, training=True))
    return np.stack([draw().numpy() for _ in range(count)])


def test_the_strongest_of_a_concrete_sample_follows_the_softmax():
    """The Gumbel-max trick: Maddison et al., 2017, section 2.2."""
    alpha = tf.constant([[0.0, 1.0, 2.0]])
    relaxation = relaxations.Concrete(temperature=0.5, seed=1)
    drawn = samples(relaxation, tf.tile(alpha, [4000, 1]), 1)[0]
    assert drawn.sum(-1) == pytest.approx(1, abs=1e-5)
    counts = np.bincount(drawn.argmax(-1), minlength=3)
    expected = 4000 * relaxation.probabilities(alpha)[0]
    # Three standard deviations of a binomial distribution.
    assert counts == pytest.approx(expected, abs=3 * math.sqrt(4000 / 4))


def test_a_low_temperature_chooses_and_a_high_one_does_not():
    alpha = tf.zeros((50, 8))
    for temperature, low, high in ((1e-3, 0.95, 1.0), (1e3, 0.125, 0.13)):
        relaxation = relaxations.Concrete(temperature, seed=0)
        mean = samples(relaxation, alpha, 1)[0].max(-1).mean()
        assert low <= mean <= high


def test_each_pass_draws_anew_and_a_seed_repeats_all():
    alpha = tf.constant(ALPHA)
    first, again = (
        samples(relaxations.Concrete(seed=3), alpha, 3) for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first[0], first[1])


def test_outside_of_training_nothing_is_drawn():
    relaxation = relaxations.Concrete(temperature=0.1, seed=0)
    found = relaxation.weights_of(tf.constant(ALPHA))
    expected = relaxations.Softmax().weights_of(tf.constant(ALPHA))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("identifier", ["hard", 3, None])
def test_an_unknown_relaxation_is_refused(identifier):
    with pytest.raises(
        ValueError, match="softmax, sigmoid, concrete, straight_"
    ):
        Alphas(2, 3, relaxation=identifier)


def test_a_temperature_must_be_above_0():
    with pytest.raises(ValueError, match="`temperature` must be above 0"):
        relaxations.Concrete(temperature=0.0)


def supernets(relaxation):
    yield CNNSupernet(2, 3, 10, (8, 8, 1), 2, relaxation=relaxation)
    yield RNNSupernet(11, 4, 2, relaxation=relaxation)


def test_cells_share_a_relaxation_and_are_saved_with_it(tmp_path):
    relaxation = relaxations.Concrete(temperature=0.5, seed=2)
    for supernet in supernets(relaxation):
        assert all(
            alphas.relaxation is relaxation
            for alphas in supernet.alphas.values()
        )
        paths = [v.path for v in supernet.variables]
        assert sum("temperature" in path for path in paths) == 1
        relaxation.temperature.assign(0.25)
        supernet.save(tmp_path / "supernet.keras")
        loaded = keras.saving.load_model(tmp_path / "supernet.keras")
        (found, *_) = {
            id(a.relaxation): a.relaxation for a in loaded.alphas.values()
        }.values()
        assert isinstance(found, relaxations.Concrete)
        assert float(found.temperature) == 0.25
        np.testing.assert_array_equal(
            found.seed_generator.state, relaxation.seed_generator.state
        )


def test_cells_that_share_a_relaxation_have_noise_of_their_own():
    relaxation = relaxations.Concrete(seed=5)
    cells = [
        Alphas(4000, 8, initializer="zeros", relaxation=relaxation)
        for _ in range(2)
    ]
    draw = tf.function(lambda: [cell.edge_weights(True) for cell in cells])
    for _ in range(2):
        first, second = (weights.numpy().argmax(-1) for weights in draw())
        # Independent noise agrees on one of 8; three standard deviations.
        limit = 3 * math.sqrt(1 / 8 * 7 / 8 / 4000)
        assert (first == second).mean() == pytest.approx(1 / 8, abs=limit)


def test_all_steps_of_a_sequence_have_the_same_sample():
    """With as many steps as before, the seed has moved once a sequence."""
    supernet = RNNSupernet(11, 4, 2, relaxation="concrete")
    state = supernet.alphas["recurrent"].relaxation.seed_generator.state
    before = state.numpy()
    supernet(tf.zeros((2, 7), tf.int32), supernet.initial_state(2), training=1)
    after = state.numpy()
    supernet(tf.zeros((2, 3), tf.int32), supernet.initial_state(2), training=1)
    np.testing.assert_array_equal(state.numpy() - after, after - before)
    assert (after != before).any()


def test_the_straight_through_gradient_is_that_of_the_soft_sample():
    """With s = softmax((α + G) / T): ∂ Σ c h / ∂α = s (c − Σ s c) / T."""
    alpha = tf.constant(ALPHA)
    factors = np.random.default_rng(1).normal(size=ALPHA.shape)
    for temperature in (0.5, 10.0):
        soft = relaxations.Concrete(temperature, seed=4)
        soft = soft.weights_of(alpha, training=True).numpy()
        relaxation = relaxations.StraightThrough(temperature, seed=4)
        with tf.GradientTape() as tape:
            tape.watch(alpha)
            weights = relaxation.weights_of(alpha, training=True)
            loss = tf.reduce_sum(factors * weights)
        expected = np.eye(ALPHA.shape[1])[soft.argmax(-1)]
        np.testing.assert_array_equal(weights, expected)
        mean = (soft * factors).sum(-1, keepdims=True)
        expected = soft * (factors - mean) / temperature
        np.testing.assert_allclose(
            tape.gradient(loss, alpha), expected, atol=1e-12
        )


def test_operations_are_drawn_as_often_as_they_are_probable():
    alpha = tf.constant([[0.0, 1.0, 2.0]])
    relaxation = relaxations.StraightThrough(temperature=10.0, seed=2)
    drawn = samples(relaxation, tf.tile(alpha, [4000, 1]), 1)[0]
    exponentials = np.exp([0.0, 1.0, 2.0])
    expected = exponentials / exponentials.sum()
    np.testing.assert_allclose(relaxation.probabilities(alpha)[0], expected)
    # Three standard deviations of a binomial distribution.
    limit = 3 * math.sqrt(1 / 4 / 4000)
    assert drawn.mean(0) == pytest.approx(expected, abs=limit)


def test_outside_of_training_the_most_probable_operation_is_taken():
    relaxation = relaxations.StraightThrough(seed=0)
    found = relaxation.weights_of(tf.constant(ALPHA))
    np.testing.assert_array_equal(found, np.eye(8)[ALPHA.argmax(-1)])
