"""Parts of a search that a user brings: each does what it says."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_darts import batch

from tfdarts.layers.mixed_op import MixedOp
from tfdarts.layers.relaxations import Relaxation
from tfdarts.models.cnn_supernet import CNNSupernet
from tfdarts.models.rnn_supernet import RNNSupernet
from tfdarts.strategies.darts import DARTS
from tfdarts.training.optimizers import SGD
from tfdarts.training.optimizers import Adam

PRIMITIVES = ("none", "skip_connect", "sep_conv_3x3")


@keras.saving.register_keras_serializable(package="test")
class Sigmoid(Relaxation):
    def weights_of(self, alpha, training=False):
        return keras.ops.sigmoid(alpha)


@keras.saving.register_keras_serializable(package="test")
class Doubled(MixedOp):
    def call(self, inputs, edge_weights=None, training=None):
        return 2.0 * super().call(inputs, edge_weights, training)


@keras.saving.register_keras_serializable(package="test")
def penalize_squares(alphas):
    return 0.5 * sum(tf.reduce_sum(tf.square(alpha)) for alpha in alphas)


@keras.saving.register_keras_serializable(package="test")
def derive_the_opposite(space, probabilities):
    return space.derive({name: 1 - p for name, p in probabilities.items()})


def supernet(**arguments):
    keras.utils.set_random_seed(0)
    return CNNSupernet(
        *(2, 3, 3, (4, 4, 1)), num_nodes=1, primitives=PRIMITIVES, **arguments
    )


def search(order=1, **arguments):
    found = DARTS(supernet(), order=order, **arguments)
    found.compile(SGD(0.1), Adam(0.05))
    return found


@pytest.mark.parametrize("order", [1, 2])
def test_a_regularizer_is_added_to_the_loss_of_alpha(order):
    """The gradient of half the sum of squares is alpha itself."""
    plain = search(order)
    regularized = search(order, alpha_regularizer=penalize_squares)
    batches = batch(0), batch(1), 0.1
    loss, gradients = plain.alpha_gradients(*batches)
    total, sums = regularized.alpha_gradients(*batches)
    alphas = plain.supernet.alpha_values().values()
    penalty = sum(0.5 * np.square(alpha).sum() for alpha in alphas)
    assert float(total - loss) == pytest.approx(penalty, abs=1e-6)
    for one, other, alpha in zip(gradients, sums, alphas, strict=True):
        np.testing.assert_allclose(other - one, alpha, atol=1e-6)


def test_a_search_derives_by_the_rule_it_is_given():
    plain, other = search(), search(derive=derive_the_opposite)
    probabilities = other.supernet.probabilities()
    expected = derive_the_opposite(other.supernet.space, probabilities)
    assert other.genotype() == expected != plain.genotype()
    assert plain.genotype() == plain.supernet.genotype()


def test_a_search_is_saved_with_its_parts(tmp_path):
    made = search(
        derive=derive_the_opposite, alpha_regularizer=penalize_squares
    )
    made.save(tmp_path / "search.keras")
    loaded = keras.saving.load_model(tmp_path / "search.keras")
    assert loaded.derive is derive_the_opposite
    assert loaded.alpha_regularizer is penalize_squares


@pytest.mark.parametrize("identifier", [Doubled, "test>Doubled"])
def test_a_supernet_is_made_of_the_mixed_operations_it_is_given(
    identifier, tmp_path
):
    made = supernet(mixed_op=identifier)
    assert {type(m) for cell in made.cells for m in cell.mixed_ops} == {Doubled}
    made.save(tmp_path / "supernet.keras")
    loaded = keras.saving.load_model(tmp_path / "supernet.keras")
    x, _ = batch(0)
    np.testing.assert_array_equal(loaded(x), made(x))
    cell, plain = made.cells[0], supernet().cells[0]
    plain.set_weights(cell.get_weights())
    nodes = tf.ones((2, 4, 4, 6))
    weights = made.alphas["normal"].edge_weights()
    np.testing.assert_allclose(
        cell(nodes, nodes, weights), 2 * plain(nodes, nodes, weights), rtol=1e-6
    )


def test_an_unknown_mixed_operation_is_refused():
    with pytest.raises(ValueError, match="no mixed operation 'my>MixedOp'"):
        supernet(mixed_op="my>MixedOp")


def test_a_relaxation_decides_weights_and_probabilities():
    for made in (
        supernet(relaxation=Sigmoid()),
        RNNSupernet(11, 4, 2, relaxation=Sigmoid()),
    ):
        for alphas in made.alphas.values():
            expected = 1 / (1 + np.exp(-alphas.alpha.numpy().astype("float64")))
            np.testing.assert_allclose(
                alphas.probabilities(), expected, rtol=1e-14
            )
            np.testing.assert_allclose(
                alphas.edge_weights(training=True), expected, rtol=1e-6
            )
        # Of sigmoids near a half the sum is not 1.
        made.genotype()


def test_relaxations_move_the_alphas_of_a_search():
    for relaxation in (Sigmoid(), "concrete"):
        made = DARTS(supernet(relaxation=relaxation))
        made.compile(SGD(0.1), Adam(0.05))
        before = made.supernet.alpha_values()
        made.train_step((batch(0), batch(1)))
        for name, values in made.supernet.alpha_values().items():
            assert (values != before[name]).any()


def test_a_step_of_the_weights_moves_the_seed_and_one_of_alpha_does_not():
    made = DARTS(supernet(relaxation="concrete"), order=1)
    made.compile(SGD(0.1), Adam(0.05))
    state = made.supernet.relaxation.seed_generator.state
    before = state.numpy()
    made.alpha_gradients(batch(0), batch(1), 0.1)
    np.testing.assert_array_equal(state.numpy(), before)
    made.train_step((batch(0), batch(1)))
    assert (state.numpy() != before).any()
