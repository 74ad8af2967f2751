"""ENAS: what the controller draws, learns and trains, by brute force."""

import collections
import itertools
import types

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

import tfdarts
from tfdarts.layers.alphas import Alphas
from tfdarts.layers.chosen_mixed_op import ChosenMixedOp
from tfdarts.layers.likeliest_path import LikeliestPath
from tfdarts.search_spaces.derivation import edge_weights_of
from tfdarts.strategies.controllers.recurrent_controller import (
    RecurrentController,
)
from tfdarts.strategies.sampling import policy_search
from tfdarts.strategies.sampling.policy_search import ControllerTraining
from tfdarts.strategies.sampling.policy_search import PolicySearch
from tfdarts.strategies.strategy_registry import get_strategy
from tfdarts.tasks.presets import fill_paper_settings
from tfdarts.training.schedules import EpochCosine

NAMES = ("none", "skip_connect", "sep_conv_3x3")
SPACE = tfdarts.CNNSearchSpace(1, NAMES)


def search_of(**options):
    keras.utils.set_random_seed(0)
    supernet = tfdarts.CNNSupernet(
        *(2, 3, 3, (4, 4, 1)),
        space=SPACE,
        relaxation=LikeliestPath(SPACE),
        mixed_op=ChosenMixedOp,
    )
    controller = RecurrentController(SPACE, units=4, init_range=1.0, seed=2)
    search = PolicySearch(supernet, controller, **options)
    search.compile(tfdarts.SGD(0.1, momentum=0.0), tfdarts.Adam(0.1))
    return search


@pytest.fixture
def search():
    return search_of()


def batch(seed):
    random = np.random.default_rng(seed)
    images = random.normal(1.0, 1.0, (8, 4, 4, 1)).astype("float32")
    return tf.constant(images), tf.constant(random.integers(0, 3, 8))


PAIRS = tf.data.Dataset.from_tensors((batch(0), batch(0))).repeat(3)


def all_genotypes(controller):
    """Returns the probability of each genotype, by enumeration."""
    decisions = controller.decisions
    options = [len(each.values) for each in decisions.hyperparameters().space]
    choices = np.array([*itertools.product(*map(range, options))])
    log_probabilities, _ = controller(choices)
    found = collections.Counter()
    probabilities = np.exp(np.sum(log_probabilities, axis=1))
    for each, probability in zip(choices, probabilities):
        if probability > 0:
            found[decisions.genotype(each)] += float(probability)
    return found


def test_genotypes_are_drawn_with_the_probabilities_of_the_controller(search):
    expected = all_genotypes(search.controller)
    assert len(expected) == 2**4
    assert max(expected.values()) > 2 * min(expected.values())
    drawn = collections.Counter(search.draw_genotypes(2000))
    assert {*drawn} <= {*expected}
    pvalue = scipy.stats.chisquare(
        [drawn[genotype] for genotype in expected],
        [2000 * p / sum(expected.values()) for p in expected.values()],
    ).pvalue
    assert pvalue > 0.001


def test_alphas_record_the_probabilities_of_paths(search, monkeypatch):
    monkeypatch.setattr(policy_search, "RECORDED", 3000)
    search.record_policy()
    expected = {name: 0 for name in SPACE.cell_types}
    for genotype, probability in all_genotypes(search.controller).items():
        for name, weights in edge_weights_of(SPACE, genotype).items():
            expected[name] += probability * weights
    found = search.supernet.probabilities()
    for name, probabilities in expected.items():
        np.testing.assert_allclose(found[name], probabilities, atol=0.04)


def test_each_step_trains_the_path_that_is_drawn(search, monkeypatch):
    """By the gradients of Keras, with the edge weights of the genotype."""
    supernet = search.supernet
    x, y = batch(0)
    (choices,) = search.draw_choices(1, policy_search.STEPS, 0)
    genotype = search.controller.decisions.genotype(choices)
    weights = edge_weights_of(SPACE, genotype)
    by_layer = {
        id(layer): weights[name].astype("float32")
        for name, layer in supernet.alphas.items()
    }
    before = [v.numpy() for v in supernet.variables]
    with monkeypatch.context() as patched:
        patched.setattr(
            Alphas, "edge_weights", lambda self, training: by_layer[id(self)]
        )
        with tf.GradientTape() as tape:
            logits = supernet(x, training=True)
            loss = search.loss_function(y, logits)
        trained = supernet.trainable_variables
        gradients = tape.gradient(loss, [v.value for v in trained])
    for variable, value in zip(supernet.variables, before):
        variable.assign(value)
    expected = [v.numpy() - 0.1 * g for v, g in zip(trained, gradients)]
    logs = search.train_step(((x, y), (x, y)))
    assert float(logs["loss"]) == pytest.approx(float(loss), rel=1e-5)
    for variable, value in zip(trained, expected):
        np.testing.assert_allclose(variable.numpy(), value, atol=1e-5)


def test_steps_draw_different_paths(search):
    drawn = [search.draw_choices(1, policy_search.STEPS, n) for n in range(20)]
    assert len({each.tobytes() for each in drawn}) > 3


def test_the_baseline_and_the_entropy_are_those_of_the_authors(
    search, monkeypatch
):
    search.entropy_weight, search.baseline_decay = 0.5, 0.75
    search.baseline.assign(0.25)
    rewards, batches = [0.9, 0.1, 0.4], ["a", "b", "c"]
    updates, seen = [], []

    def reward(self, choices, batch):
        seen.append(batch)
        return rewards[len(seen) - 1]

    monkeypatch.setattr(PolicySearch, "reward", reward)
    monkeypatch.setattr(
        search.policy, "update", lambda *given: updates.append(given)
    )
    mean = search.train_controller(iter(batches), 3)
    assert mean == pytest.approx(np.mean(rewards)) and seen == batches
    ((choices, advantages),) = updates
    _, entropies = search.controller(choices)
    baseline, expected = 0.25, []
    for reward, entropy in zip(rewards, np.sum(entropies, axis=1)):
        total = reward + 0.5 * entropy
        baseline -= (1 - 0.75) * (baseline - total)
        expected.append(total - baseline)
    np.testing.assert_allclose(advantages, expected, rtol=1e-6)
    assert float(search.baseline.numpy()) == pytest.approx(baseline)
    assert int(search.num_updates.numpy()) == 1


def test_a_planted_operation_is_learnt(monkeypatch):
    search = search_of(controller_learning_rate=0.03, baseline_decay=0.9)

    def reward(self, choices, batch):
        cells = self.controller.decisions.genotype(choices).cells.values()
        names = [name for cell in cells for name, _ in cell.edges]
        return np.mean([name == "sep_conv_3x3" for name in names])

    monkeypatch.setattr(PolicySearch, "reward", reward)
    means = [search.train_controller([None] * 10, 10) for _ in range(60)]
    assert np.mean(means[:3]) < 0.75 and np.mean(means[-5:]) > 0.9


def test_a_reward_is_the_accuracy_or_the_inverse_perplexity(search):
    (choices,) = search.draw_choices(1, policy_search.UPDATES)
    genotype = search.controller.decisions.genotype(choices)
    paths = [
        w.astype("float32") for w in edge_weights_of(SPACE, genotype).values()
    ]
    accuracy = search.score_of(paths, [batch(1)])
    assert search.reward(choices, batch(1)) == accuracy
    search.compile(tfdarts.SGD(0.1), tfdarts.Adam(0.1), accuracy=None)
    perplexity = np.exp(-search.score_of(paths, [batch(1)]))
    found = search.reward(choices, batch(1))
    assert found == pytest.approx(80 / perplexity)


def test_a_text_is_rewarded_by_its_perplexity():
    """By the loss of Keras, with the edge weights of the genotype."""
    keras.utils.set_random_seed(0)
    space = tfdarts.RNNSearchSpace(2, ("none", "tanh", "relu"))
    supernet = tfdarts.RNNSupernet(
        7, 4, space=space, relaxation=LikeliestPath(space)
    )
    search = PolicySearch(supernet)
    search.compile(tfdarts.SGD(0.1), tfdarts.Adam(0.1))
    words = np.random.default_rng(0).integers(0, 7, (3, 6))
    text = tf.constant(words[:, :-1]), tf.constant(words[:, 1:])
    (choices,) = search.draw_choices(1, policy_search.UPDATES)
    found = search.reward(choices, text)
    genotype = search.controller.decisions.genotype(choices)
    weights = edge_weights_of(space, genotype)["recurrent"]
    # Decided edges have the weights of the path.
    for edge, row in enumerate(weights):
        chosen = int(row.argmax()) if row.any() else None
        supernet.alphas["recurrent"].decide(edge, chosen)
    logits, *_ = supernet(text[0], training=True)
    loss = float(search.loss_function(text[1], logits))
    assert found == pytest.approx(80 / np.exp(loss), rel=1e-4)


@pytest.mark.parametrize("accuracy", [None, "accuracy"])
def test_a_score_of_nan_is_no_reward(accuracy, search, monkeypatch):
    search.accuracy_function = accuracy
    monkeypatch.setattr(PolicySearch, "score_of", lambda *given: np.nan)
    choices = np.zeros(len(search.controller.decisions.sequence), int)
    assert search.reward(choices, batch(1)) == 0


def test_each_sample_is_scored_on_the_next_batch():
    taken = []
    search = types.SimpleNamespace(
        num_updates=tf.Variable(0.0), record_policy=lambda: None
    )

    def train_controller(batches, samples):
        search.num_updates.assign_add(1.0)
        taken.append([*batches])
        return len(taken)

    search.train_controller = train_controller
    logs = {}
    training = ControllerTraining(search, "abcde", steps=2, samples=3)
    training.on_epoch_end(0, logs)
    assert logs["reward"] == 1.5
    # Another object continues, as after an interruption.
    ControllerTraining(search, "abcde", 2, 3).on_epoch_end(1, logs)
    assert sum(taken, []) == [*"abcdeabcdeab"]


def run(search, epochs, first=0):
    training = ControllerTraining(search, [batch(1), batch(2)], 2, 3)
    search.fit(
        PAIRS,
        epochs=epochs,
        initial_epoch=first,
        callbacks=[training],
        verbose=0,
    )


def state_of(search):
    variables = [*search.supernet.variables, *search.optimizer.variables]
    return [v.numpy() for v in (*variables, *search.own_variables)]


@pytest.mark.slow
def test_a_search_resumes_with_what_checkpoints_save():
    whole, resumed = search_of(), search_of()
    run(whole, 1)
    saved = state_of(whole)
    run(whole, 2, first=1)
    targets = [*resumed.supernet.variables, *resumed.optimizer.variables]
    for variable, value in zip(
        (*targets, *resumed.own_variables), saved, strict=True
    ):
        variable.assign(value)
    run(resumed, 2, first=1)
    for one, other in zip(state_of(whole), state_of(resumed), strict=True):
        np.testing.assert_array_equal(one, other)
    controller = whole.controller.trainable_variables
    own = {id(v) for v in whole.own_variables}
    assert own >= {id(v) for v in (*controller, whole.baseline)}


@pytest.mark.slow
def test_keras_saves_a_search_that_continues(search, tmp_path):
    run(search, 1)
    search.save(tmp_path / "search.keras")
    loaded = keras.saving.load_model(tmp_path / "search.keras")
    assert type(loaded) is PolicySearch
    assert loaded.get_config() == search.get_config()
    for each in (search, loaded):
        run(each, 2, first=1)
    for one, other in zip(state_of(search), state_of(loaded), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "options", [{"order": 2}, {"perturbation": lambda *given: None}]
)
def test_what_a_controller_has_no_use_for_is_refused(options):
    with pytest.raises(ValueError, match="leave out `order` and `perturbati"):
        search_of(**options)


def test_texts_have_the_values_of_the_corrected_code():
    found = vars(tfdarts.search_config("enas", dataset="pydoc"))
    published = {
        "controller_learning_rate": 5e-5,
        "controller_steps": 25,
        "controller_samples": 10,
        "controller_temperature": 5.0,
        "controller_tanh": 2.25,
        "controller_operation_tanh": 2.25,
        "entropy_weight": 1e-5,
        "baseline_decay": 0.999,
        "epochs": 50,
    }
    assert {name: found[name] for name in published} == published


def test_the_rate_of_the_weights_restarts():
    config = fill_paper_settings(tfdarts.search_config("enas", preset="paper"))
    schedule = EpochCosine(0.05, 5e-4, 150, 7)
    optimizer = tfdarts.SGD(schedule, momentum=0.9)
    strategy = get_strategy("enas")
    optimizer, _ = strategy.optimizers(config, optimizer, None)
    assert optimizer.nesterov
    rates = []
    for epoch in (0, 9, 10, 29, 30, 149):
        optimizer.iterations.assign(7 * epoch)
        rates.append(float(optimizer.learning_rate))
    assert rates[0] == rates[2] == rates[4] == pytest.approx(0.05)
    assert max(rates[1::2]) < 0.003
