"""`JointSearch` against tapes and Keras alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_search_of_any_model import LOSS_WEIGHTS
from test_search_of_any_model import LOSSES
from test_search_of_any_model import alphas_in
from test_search_of_any_model import batch
from test_search_of_any_model import functional
from test_search_of_any_model import plain_loss
from test_search_of_any_model import relu_or_not
from test_search_of_any_model import two_outputs

from tfdarts.layers.layer_choice import LayerChoice
from tfdarts.models.rnn_supernet import RNNSupernet
from tfdarts.strategies.darts import DARTS
from tfdarts.strategies.gradient.joint_search import JointSearch
from tfdarts.training.optimizers import SGD
from tfdarts.training.optimizers import Adam


def penalize_squares(alphas):
    return 0.5 * sum(tf.reduce_sum(tf.square(alpha)) for alpha in alphas)


def test_a_step_is_one_gradient_of_the_loss_on_both_batches():
    search = JointSearch(
        two_outputs(), alpha_regularizer=penalize_squares, dtype="float64"
    )
    search.compile(
        keras.optimizers.Adam(0.01),
        *(Adam(0.05), LOSSES),
        loss_weights=LOSS_WEIGHTS,
    )
    model = two_outputs()
    weight_optimizer, alpha_optimizer = keras.optimizers.Adam(0.01), Adam(0.05)
    alphas = alphas_in(model)
    for step in range(3):
        pair = batch(10 + step), batch(20 + step)
        logs = search.train_step(pair)
        assert "alpha_loss" not in logs
        joined = tf.nest.map_structure(lambda *b: np.concatenate(b), *pair)
        values = [v.value for v in alphas]
        weights = [v.value for v in model.trainable_variables]
        with tf.GradientTape() as tape:
            tape.watch([weights, values])
            loss = plain_loss(model, joined, 1.0)(weights, values)
        gradients, alpha_gradients = tape.gradient(loss, (weights, values))
        alpha_gradients = [g + v for g, v in zip(alpha_gradients, values)]
        weight_optimizer.apply(gradients, model.trainable_variables)
        alpha_optimizer.apply(alpha_gradients, alphas)
    for one, other in zip(search.supernet.variables, model.variables):
        np.testing.assert_allclose(
            one, other, rtol=1e-6, atol=1e-9, err_msg=one.path
        )


def test_texts_carry_one_state_for_the_rows_of_both_batches():
    supernet = RNNSupernet(11, 4, 2, relaxation="concrete")
    search = JointSearch(supernet)
    search.compile(SGD(0.1), Adam(0.05))
    random = np.random.default_rng(0)
    before = supernet.alpha_values()
    for steps in (5, 3):
        pair = [(random.integers(0, 11, (rows, steps)),) * 2 for rows in (3, 2)]
        search.train_step(pair)
    ((state,),) = search._states["train"]
    assert state.shape == (5, 4)
    for name, values in supernet.alpha_values().items():
        assert (values != before[name]).any()


@pytest.mark.parametrize(
    "relaxation", ["concrete", "straight_through", "sigmoid"]
)
@pytest.mark.parametrize(
    "make_search", [JointSearch, lambda model: DARTS(model, order=1)]
)
def test_a_planted_activation_is_found(relaxation, make_search):
    def make(choice):
        return functional(LayerChoice(choice.layers, relaxation=relaxation))

    model, (x, y) = relu_or_not(make)
    search = make_search(model)
    search.compile(SGD(0.02), Adam(0.1), loss="mse")
    search.fit((x[:200], y[:200]), (x[200:], y[200:]), epochs=12, verbose=0)
    (choice,) = search.choices().values()
    assert choice["chosen"] == "relu"


def test_a_search_is_saved(tmp_path):
    search = JointSearch(two_outputs("float32"), micro_batches=2)
    search.compile(
        SGD(0.01), Adam(0.05), {"number": "mse", "kind": LOSSES["kind"]}
    )
    search.train_step((batch(0, "float32"), batch(1, "float32")))
    search.save(tmp_path / "search.keras")
    loaded = keras.models.load_model(tmp_path / "search.keras")
    assert isinstance(loaded, JointSearch)
    assert loaded.micro_batches == 2
    for one, other in zip(loaded.variables, search.variables, strict=True):
        np.testing.assert_array_equal(one, other)


def test_it_takes_no_option_of_two_levels():
    with pytest.raises(ValueError, match="leave out order, perturbation"):
        JointSearch(two_outputs(), order=1, perturbation=None)
