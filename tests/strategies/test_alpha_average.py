"""Genotypes of averaged alphas, and alpha's learning rate by epoch."""

import math

import keras
import numpy as np
import pytest
from test_darts import batch

import tfdarts
from tfdarts.models.cnn_supernet import CNNSupernet
from tfdarts.strategies.darts import DARTS
from tfdarts.tasks.image_search import compile_search
from tfdarts.tasks.networks import build_supernet
from tfdarts.tasks.presets import fill_paper_settings
from tfdarts.training.optimizers import SGD
from tfdarts.training.optimizers import Adam

PRIMITIVES = ("none", "skip_connect", "sep_conv_3x3")
DECAY = 0.7


def search(alpha_average=DECAY, **options):
    keras.utils.set_random_seed(0)
    supernet = CNNSupernet(
        *(2, 3, 3, (4, 4, 1)), num_nodes=1, primitives=PRIMITIVES
    )
    found = DARTS(supernet, order=1, alpha_average=alpha_average, **options)
    found.compile(SGD(0.1), Adam(0.3))
    return found


def softmax(values):
    exponentials = np.exp(values - values.max(-1, keepdims=True))
    return exponentials / exponentials.sum(-1, keepdims=True)


def steps(searched, seeds):
    """Takes steps; returns the alphas after each, dicts by cell type."""
    history = []
    for seed in seeds:
        searched.train_step((batch(2 * seed), batch(2 * seed + 1)))
        history.append(searched.supernet.alpha_values())
    return history


def averaged(values):
    """The weighted mean of all values, the last of the largest weight."""
    weights = DECAY ** np.arange(len(values))[::-1]
    return np.tensordot(weights / weights.sum(), values, 1)


def require_average(searched, history):
    probabilities = searched.probabilities()
    for name in history[0]:
        values = np.array([alphas[name] for alphas in history], "float64")
        expected = softmax(averaged(values))
        np.testing.assert_allclose(probabilities[name], expected, rtol=1e-5)
    return probabilities


def test_the_average_is_the_weighted_mean_of_all_steps():
    searched = search()
    history = steps(searched, range(5))
    probabilities = require_average(searched, history)
    # The steps themselves are those of a search without an average.
    plain = search(alpha_average=0.0)
    for one, other in zip(history, steps(plain, range(5)), strict=True):
        np.testing.assert_equal(one, other)
    assert not plain.own_variables
    for name, current in plain.probabilities().items():
        np.testing.assert_array_equal(
            current, searched.supernet.probabilities()[name]
        )
        assert np.abs(current - probabilities[name]).max() > 0.01


def test_the_genotype_is_that_of_the_average():
    """Alphas that change their order in the last step."""
    searched = search()
    space = searched.supernet.space
    steps(searched, range(2))
    for alphas in searched.supernet.alphas.values():
        alphas.alpha.assign([[0.0, 3.0, 1.0]] * space.alpha_shape[0])
    for average in searched.averaged_alphas:
        average.assign([[0.0, 0.1, 0.2]] * space.alpha_shape[0])
    current, found = searched.supernet.genotype(), searched.genotype()
    assert {name for name, _ in current.cells["normal"].edges} == {
        "skip_connect"
    }
    assert {name for name, _ in found.cells["normal"].edges} == {"sep_conv_3x3"}
    assert found == space.derive(searched.probabilities())
    ruled = search(derive=lambda space, given: space.derive(given))
    ruled.set_weights(searched.get_weights())
    ruled.alpha_optimizer.iterations.assign(2)
    assert ruled.genotype() == found
    # The alphas have their own values again.
    assert searched.supernet.genotype() == current


def test_before_the_first_step_alpha_itself_counts():
    searched = search(alpha_warmup_steps=1)
    np.testing.assert_equal(
        searched.probabilities(), searched.supernet.probabilities()
    )
    steps(searched, [0])
    np.testing.assert_equal(
        searched.probabilities(), searched.supernet.probabilities()
    )
    require_average(searched, steps(searched, range(1, 4)))


def test_an_averaged_search_is_saved_and_goes_on(tmp_path):
    searched = search()
    history = steps(searched, range(2))
    searched.save(tmp_path / "search.keras")
    loaded = keras.saving.load_model(tmp_path / "search.keras")
    assert loaded.get_config() == searched.get_config()
    require_average(loaded, history)
    history += steps(loaded, range(2, 4))
    require_average(loaded, history)


@pytest.mark.parametrize("decay", [-0.1, 1.0, "0.9"])
def test_decays_that_are_refused(decay):
    with pytest.raises(ValueError, match="at least 0 and below 1. Received"):
        search(alpha_average=decay)


@pytest.mark.parametrize("optimizer", ["adam", "exponentiated"])
def test_the_rate_of_alpha_falls_as_a_cosine_after_the_warm_up(optimizer):
    config = fill_paper_settings(
        tfdarts.search_config(
            alpha_optimizer=optimizer,
            alpha_learning_rate_schedule="cosine",
            alpha_learning_rate=0.2,
            alpha_warmup_epochs=2,
            epochs=6,
            preset="paper",
            init_channels=2,
            num_cells=3,
            num_nodes=1,
            primitives="skip_connect,max_pool_3x3",
        )
    )
    found = compile_search(config, build_supernet(config, 3, (4, 4, 1)), 5)
    schedule = found.alpha_optimizer._learning_rate
    for step in range(20):  # Four epochs of five steps move alpha.
        expected = 0.1 * (1 + math.cos(math.pi * (step // 5) / 4))
        assert float(schedule(step)) == pytest.approx(expected, rel=1e-6)


REFUSED = [
    ("sgas", {"alpha_average": 0.9}, "leave one of the two out"),
    ("darts_pt", {"alpha_average": 0.9}, "leave one of the two out"),
    (
        "darts_pt",
        {"alpha_learning_rate_schedule": "cosine"},
        "has ended: leave one of the two out",
    ),
    ("random_sharing", {"alpha_average": 0.9}, "alpha_average"),
    ("enas", {"alpha_learning_rate_schedule": "cosine"}, "schedule"),
    ("shapley_nas", {"alpha_learning_rate_schedule": "cosine"}, "schedule"),
    ("darts", {"alpha_average": 1.0}, "must be below 1"),
]


@pytest.mark.parametrize(("strategy", "settings", "message"), REFUSED)
def test_where_neither_makes_sense_they_are_refused(
    strategy, settings, message
):
    with pytest.raises(ValueError, match=message):
        tfdarts.search_config(strategy, **settings)
