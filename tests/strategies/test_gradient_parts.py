"""The parts of gradient methods against closed forms and brute force."""

import itertools

import keras
import numpy as np
import pytest
import scipy.integrate
import scipy.stats
import tensorflow as tf
import tiny_search

import tfdarts
from tfdarts.layers.alphas import EXCLUDED
from tfdarts.strategies.gradient.derivations import derive_above
from tfdarts.strategies.gradient.derivations import derive_all_edges
from tfdarts.strategies.gradient.gradient_settings import MixedOpSettings
from tfdarts.strategies.gradient.regularizers import Beta
from tfdarts.strategies.gradient.regularizers import KullbackLeibler
from tfdarts.strategies.gradient.regularizers import ZeroOne
from tfdarts.training.exponentiated import ExponentiatedGradient

OWN = {"strategy", "run_dir", "seed", "order", "batch_size"}
OWN |= {"learning_rate", "alpha_learning_rate", "alpha_weight_decay"}
OWN |= {*MixedOpSettings.__dataclass_fields__}
TINY = {
    name: value
    for name, value in vars(tiny_search.TINY).items()
    if name not in OWN
}


def softmax(values):
    exponentials = np.exp(values - values.max(-1, keepdims=True))
    return exponentials / exponentials.sum(-1, keepdims=True)


def alphas(*shapes, seed=0):
    random = np.random.default_rng(seed)
    return [random.normal(size=shape) for shape in shapes]


def gradients_of(regularizer, values):
    tensors = [tf.constant(each) for each in values]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        penalty = regularizer(tensors)
    return penalty, tape.gradient(penalty, tensors)


def test_the_gradient_of_beta_is_the_softmax():
    values = alphas((5, 4), (3, 4))
    _, gradients = gradients_of(Beta(weight=2.0), values)
    for gradient, value in zip(gradients, values):
        np.testing.assert_allclose(gradient, 2 * softmax(value) / 8, rtol=1e-12)


def test_zero_one_is_the_mean_square_of_all_sigmoids():
    values = alphas((5, 4), (3, 4))
    penalty, _ = gradients_of(ZeroOne(weight=10.0), values)
    flat = np.concatenate([value.ravel() for value in values])
    expected = -10 * np.mean((1 / (1 + np.exp(-flat)) - 0.5) ** 2)
    assert float(penalty) == pytest.approx(expected, rel=1e-12)


def concentrations(values):
    return np.where(values > 0, values, np.exp(values) - 1) + 1


@pytest.mark.parametrize("seed", range(3))
def test_kl_is_the_integral_of_the_log_ratio(seed):
    """Of two primitives, whose Dirichlet is a beta: SciPy integrates."""
    values = np.random.default_rng(seed).uniform(-0.5, 2, (3, 2))

    def ratio(x, own):
        density = scipy.stats.beta.pdf(x, *own)
        return density * np.log(density)

    expected = sum(
        scipy.integrate.quad(ratio, 0, 1, args=(own,))[0]
        for own in concentrations(values)
    )
    penalty, _ = gradients_of(KullbackLeibler(weight=3.0), [values])
    assert float(penalty) == pytest.approx(3 * expected, rel=1e-6)


def test_kl_is_the_difference_of_entropies_and_leaves_masked_alphas():
    """Of eight primitives by SciPy: the uniform density is constant."""
    values = alphas((5, 8), (3, 8))
    expected = sum(
        scipy.stats.dirichlet.entropy(np.ones(8))
        - scipy.stats.dirichlet.entropy(own)
        for own in concentrations(np.concatenate(values))
    )
    penalty, gradients = gradients_of(KullbackLeibler(weight=1.0), values)
    assert float(penalty) == pytest.approx(expected, rel=1e-10)
    masked = [
        np.concatenate([each, np.full((len(each), 2), EXCLUDED)], axis=1)
        for each in values
    ]
    same, of_masked = gradients_of(KullbackLeibler(weight=1.0), masked)
    assert float(same) == pytest.approx(expected, rel=1e-10)
    for gradient, found in zip(gradients, of_masked):
        np.testing.assert_allclose(found[:, :8], gradient, rtol=1e-10)
        assert not found[:, 8:].numpy().any()


def test_the_gradient_of_kl_is_a_difference():
    values = alphas((4, 5))
    _, (gradient,) = gradients_of(KullbackLeibler(weight=2.0), values)
    direction = np.random.default_rng(1).normal(size=(4, 5))
    above, below = (
        float(gradients_of(KullbackLeibler(2.0), [values[0] + step])[0])
        for step in (1e-6 * direction, -1e-6 * direction)
    )
    assert np.sum(gradient * direction) == pytest.approx(
        (above - below) / 2e-6, rel=1e-6
    )


def test_exponentiated_gradients_multiply_probabilities():
    """Of a loss c · p, whose gradient in p is c."""
    (start,) = alphas((3, 4))
    costs = np.random.default_rng(1).normal(size=(3, 4))
    variable = keras.Variable(start, dtype="float64")
    optimizer = ExponentiatedGradient(0.3)
    probabilities = softmax(start)
    for _ in range(5):
        with tf.GradientTape() as tape:
            tape.watch(variable.value)
            loss = tf.reduce_sum(costs * tf.nn.softmax(variable.value))
        optimizer.apply([tape.gradient(loss, variable.value)], [variable])
        probabilities = probabilities * np.exp(-0.3 * costs)
        probabilities /= probabilities.sum(-1, keepdims=True)
    # Keras keeps the learning rate in float32.
    np.testing.assert_allclose(
        softmax(variable.numpy()), probabilities, rtol=1e-6
    )


def test_exponentiated_gradients_keep_a_floor():
    variable = keras.Variable([[0.0, 0.0]], dtype="float64")
    optimizer = ExponentiatedGradient(1e3)
    optimizer.apply([np.array([[1.0, -1.0]])], [variable])
    assert softmax(variable.numpy())[0, 0] == pytest.approx(1e-5, rel=1e-3)


def test_exponentiated_gradients_leave_masked_alphas():
    variable = keras.Variable([[0.0, 1.0, -1e9]])
    optimizer = ExponentiatedGradient(0.1)
    optimizer.apply([np.array([[0.1, -0.1, 0.0]], "float32")], [variable])
    assert np.isfinite(variable.numpy()).all()
    assert variable.numpy()[0, 2] == np.float32(-1e9)
    assert softmax(variable.numpy())[0, 1] > softmax(np.array([0.0, 1.0]))[1]


def some_probabilities(space, seed):
    random = np.random.default_rng(seed)
    return {
        cell_type: random.dirichlet(
            np.ones(len(space.primitives)), len(space.edges)
        )
        for cell_type in space.cell_types
    }


@pytest.mark.parametrize("seed", range(5))
def test_all_edges_have_their_strongest_primitive(seed):
    space = tfdarts.CNNSearchSpace(3, ("none", "skip_connect", "max_pool_3x3"))
    probabilities = some_probabilities(space, seed)
    genotype = derive_all_edges(space, probabilities)
    for cell_type, cell in genotype.cells.items():
        found = {
            (node, source): name
            for node, edges in zip(cell.concat, cell.nodes)
            for name, source in edges
        }
        assert {*found} == {*space.edges}
        for edge, row in zip(space.edges, probabilities[cell_type]):
            assert found[edge] == space.primitives[np.argmax(row)]


@pytest.mark.parametrize("seed", range(5))
def test_edges_above_the_threshold_are_kept_and_one_at_least(seed):
    space = tfdarts.CNNSearchSpace(3, ("skip_connect", "max_pool_3x3"))
    random = np.random.default_rng(seed)
    sigmoids = {
        name: random.uniform(size=space.alpha_shape)
        for name in space.cell_types
    }
    genotype = derive_above(space, sigmoids, threshold=0.7)
    for cell_type, cell in genotype.cells.items():
        for node, edges in zip(cell.concat, cell.nodes):
            strength = {
                source: sigmoids[cell_type][
                    space.edges.index((node, source))
                ].max()
                for source in range(node)
            }
            # The best set, of all sets of at most two edges above it.
            above = [s for s in strength if strength[s] > 0.7]
            sets = [
                each
                for size in (1, 2)
                for each in itertools.combinations(above, size)
            ]
            best = max(
                sets or [(max(strength, key=strength.get),)],
                key=lambda each: sum(strength[source] for source in each),
            )
            assert {source for _, source in edges} == {*best}


def test_a_threshold_needs_edges_to_choose():
    space = tfdarts.CNNSearchSpace(2, ("skip_connect",), edges_per_node="all")
    with pytest.raises(ValueError, match="keep all of their edges"):
        derive_above(space, some_probabilities(space, 0))
    space = tfdarts.CNNSearchSpace(
        *(2, ("none", "skip_connect")), edges_per_node="all", derive_none=True
    )
    probabilities = some_probabilities(space, 0)
    found = derive_above(space, probabilities, threshold=0.99)
    assert found in space
    for cell in found.cells.values():
        for edges in cell.nodes:
            assert sum(name != "none" for name, _ in edges) <= 1


# Methods


def slow(*values):
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        slow("beta_darts", {}),
        ("fair_darts", {}),
        slow("gaea", {}),
        slow("sdarts", {}),
        # So that a search of a few steps freezes operations.
        slow("oles", {"freeze_every": 3, "freeze_below": 0.9}),
        slow("lambda_darts", {"num_cells": 4}),
        slow("shapley_nas", {"init_channels": 8, "alpha_warmup_epochs": 0}),
        slow("snas", {}),
        slow("gdas", {}),
        slow("random_sharing", {"num_candidates": 20}),
        slow("enas", {"controller_steps": 3}),
        slow("pc_darts", {"init_channels": 8, "micro_batches": 2}),
        slow("darts_minus", {}),
        slow("drnas", {"init_channels": 12, "stage_primitives": "3"}),
    ],
)
def test_a_method_searches_and_resumes_bit_for_bit(
    name, settings, tmp_path, monkeypatch
):
    def config_of(directory):
        return tfdarts.search_config(
            name,
            **TINY | settings,
            run_dir=str(tmp_path / directory),
            seed=4,
        )

    genotype = tfdarts.search(config_of("whole"))
    assert isinstance(genotype, tfdarts.Genotype)
    with monkeypatch.context() as patched:
        patched.setattr(
            *("tfdarts.records.progress.Progress.on_epoch_begin", interrupt)
        )
        with pytest.raises(KeyboardInterrupt):
            tfdarts.search(config_of("parts"))
    assert tfdarts.search(config_of("parts")) == genotype
    for file in ("alphas.npz", "probabilities.npz"):
        with (
            np.load(tmp_path / "whole" / "search" / file) as one,
            np.load(tmp_path / "parts" / "search" / file) as other,
        ):
            for cell_type in one:
                np.testing.assert_array_equal(one[cell_type], other[cell_type])


def interrupt(self, epoch, logs=None):
    if epoch == 1:
        raise KeyboardInterrupt


def test_darts_es_stops_searches_on_images_only():
    assert tfdarts.search_config("darts_es").early_stop == "robust_darts"
    with pytest.raises(ValueError, match="on texts: this task has no --early_"):
        tfdarts.search_config("darts_es", dataset="pydoc")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"alpha_regularizer": "zero_one"}, "needs --relaxation=sigmoid"),
        ({"alpha_regularizer": "kl"}, "needs --relaxation=dirichlet"),
        (
            {"alpha_optimizer": "exponentiated", "relaxation": "sigmoid"},
            "needs --relaxation=softmax",
        ),
        (
            {"relaxation": "straight_through", "batch_norm": "global"},
            "differ from step to step",
        ),
        (
            {"relaxation": "straight_through", "early_stop": "hessian"},
            "has no second derivatives",
        ),
        (
            {"relaxation": "straight_through", "method": "exact"},
            "has no second derivatives",
        ),
    ],
)
def test_parts_that_make_no_sense_together_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        tfdarts.search_config("darts", **settings)


def test_parts_combine():
    """GAEA with beta decay, on edges that are all kept."""
    config = tfdarts.search_config(
        "gaea", alpha_regularizer="beta", derivation="all_edges"
    )
    assert config.alpha_optimizer == "exponentiated"
    assert config.alpha_regularizer == "beta"


# A method with a search, optimizers and callbacks of its own


class Counting(tfdarts.DARTS):
    """Counts its steps, in a variable that checkpoints must save."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.steps = keras.Variable(0.0, trainable=False, name="steps")

    def update_weights(self, parts):
        super().update_weights(parts)
        self.steps.assign_add(1.0)


class Note(keras.callbacks.Callback):
    noted = []

    def on_epoch_end(self, epoch, logs=None):
        self.noted.append((epoch, float(self.model.steps)))


class CountingMethod(tfdarts.SupernetStrategy):
    name = "counting"
    parts = {"derivation": "all_edges"}

    def search_arguments(self, config):
        return {
            "order": 1,
            "alpha_regularizer": lambda alphas: 0.0 * alphas[0][0, 0],
        }

    def build_search(self, supernet, **arguments):
        return Counting(supernet, **arguments)

    def optimizers(self, config, weight_optimizer, alpha_optimizer):
        return weight_optimizer, keras.optimizers.SGD(0.5)

    def callbacks(self, config, search):
        assert isinstance(search.alpha_optimizer, keras.optimizers.SGD)
        return [Note()]


def test_a_method_brings_its_own_search(tmp_path, monkeypatch):
    tfdarts.register_strategy(CountingMethod())
    Note.noted.clear()
    config = tfdarts.search_config(
        "counting", **TINY | {"order": 2}, run_dir=str(tmp_path)
    )
    with monkeypatch.context() as patched:
        patched.setattr(
            *("tfdarts.records.progress.Progress.on_epoch_begin", interrupt)
        )
        with pytest.raises(KeyboardInterrupt):
            tfdarts.search(config)
    genotype = tfdarts.search(config)
    assert [len(edges) for edges in genotype.cells["normal"].nodes] == [2]
    (first, steps), (second, all_steps) = Note.noted
    assert (first, second) == (0, 1)
    # The variable went on where the checkpoint had it.
    assert all_steps == 2 * steps > 0
    clash = tfdarts.search_config(
        "counting",
        **TINY,
        alpha_regularizer="beta",
        run_dir=str(tmp_path / "b"),
    )
    with pytest.raises(ValueError, match="brings its own `alpha_regularizer`"):
        tfdarts.search(clash)
