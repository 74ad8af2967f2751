"""The distribution of a recurrent controller, by enumeration and by NumPy."""

import collections
import itertools
import json

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from tfdarts.search_spaces.cnn import CNNSearchSpace
from tfdarts.search_spaces.nas_bench_201 import NASBench201SearchSpace
from tfdarts.search_spaces.nasnet import NASNetSearchSpace
from tfdarts.search_spaces.rnn import RNNSearchSpace
from tfdarts.search_spaces.space_registry import get_space
from tfdarts.strategies.controllers.recurrent_controller import (
    RecurrentController,
)

TWO = ("skip_connect", "sep_conv_3x3")
TINY = {
    "two different predecessors": CNNSearchSpace(2, TWO[:1]),
    "one predecessor": RNNSearchSpace(3, ("none", "tanh", "relu")),
    "all predecessors": NASBench201SearchSpace(2, ("none", "skip_connect")),
    "predecessors repeat": NASNetSearchSpace(1, TWO),
    "primitives by edge": CNNSearchSpace(
        1,
        ("none", *TWO),
        primitives_by_edge={
            "normal": [("none", TWO[0]), TWO],
            "reduce": [("none", *TWO), ("none", TWO[1])],
        },
    ),
}


def controller_of(space, units=3, init_range=2.0, **arguments):
    """A tiny controller whose policy is far from uniform."""
    return RecurrentController(
        *(space, units),
        init_range=init_range,
        **{"dtype": "float64", "seed": 1, **arguments},
    )


def all_sequences(decisions):
    options = [len(each.values) for each in decisions.hyperparameters().space]
    return np.array([*itertools.product(*map(range, options))])


def probabilities(controller, choices):
    log_probabilities, _ = controller(choices)
    return np.exp(np.sum(log_probabilities, axis=1))


@pytest.mark.parametrize("name", TINY)
def test_probabilities_sum_to_one_over_the_genotypes_of_a_space(name):
    controller = controller_of(TINY[name])
    choices = all_sequences(controller.decisions)
    found = probabilities(controller, choices)
    assert found.sum() == pytest.approx(1, abs=1e-12)
    possible = found > 0
    genotypes = [*map(controller.decisions.genotype, choices)]
    space = controller.space
    assert [genotype in space for genotype in genotypes] == [*possible]
    reached = {g for g, p in zip(genotypes, possible) if p}
    sizes = {"primitives by edge": (1 * 2) * (2 * 1)}
    size = sizes.get(name, space.size ** len(space.cell_types))
    assert len(reached) == size
    assert found[possible].max() > 1.1 * found[possible].mean()


@pytest.mark.parametrize("name", ["one predecessor", "predecessors repeat"])
def test_samples_have_their_probabilities(name):
    controller = controller_of(TINY[name], units=2, init_range=1.0)
    choices = controller.sample(np.random.default_rng(0), 5000)
    counts = collections.Counter(map(tuple, choices.tolist()))
    everything = all_sequences(controller.decisions)
    expected = 5000 * probabilities(controller, everything)
    observed = [counts[tuple(each)] for each in everything.tolist()]
    usual = expected > 5
    rest = ~usual
    observed = [*np.array(observed)[usual], np.array(observed)[rest].sum()]
    expected = [*expected[usual], expected[rest].sum()]
    if expected[-1] < 5:
        observed[0] += observed.pop()
        expected[0] += expected.pop()
    assert sum(observed) == 5000
    assert scipy.stats.chisquare(observed, expected).pvalue > 1e-3


@pytest.mark.parametrize("name", ["darts", "darts_rnn", "s1", "nasnet"])
def test_samples_are_genotypes_of_each_space(name):
    controller = RecurrentController(get_space(name)(), units=4)
    choices = controller.sample(np.random.default_rng(3), 20)
    genotypes = [*map(controller.decisions.genotype, choices)]
    assert all(genotype in controller.space for genotype in genotypes)
    assert len({*genotypes}) == 20
    again = controller.sample(np.random.default_rng(3), 20)
    other = controller.sample(np.random.default_rng(4), 20)
    assert (again == choices).all() and not (other == choices).all()


def test_entropies_are_those_of_the_decisions():
    """By the chain rule, their expected sum is the entropy of sequences."""
    controller = controller_of(TINY["one predecessor"])
    choices = all_sequences(controller.decisions)
    found = probabilities(controller, choices)
    _, entropies = controller(choices)
    sums = np.sum(entropies, axis=1)
    expected = -np.sum(found * np.log(np.where(found > 0, found, 1)))
    assert found @ sums == pytest.approx(expected, rel=1e-12)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    return np.exp(x) / np.exp(x).sum()


class InNumPy:
    """The policy of the authors' code of ENAS, for one sequence."""

    def __init__(self, controller):
        named = {
            v.path.rpartition("controller/")[2]: v.numpy()
            for v in controller.variables
        }
        self.controller, self.weights = controller, named
        units, layers = controller.units, controller.num_layers
        self.state = [[np.zeros(units)] * 2 for _ in range(layers)]

    def weight(self, *words):
        (found,) = [
            value
            for name, value in self.weights.items()
            if all(word in name for word in words)
        ]
        return found

    def step(self, x):
        for cell, (lstm, (h, c)) in enumerate(
            zip(self.controller.cells, self.state)
        ):
            z = x @ lstm.kernel.numpy() + h @ lstm.recurrent_kernel.numpy()
            i, f, g, o = np.split(z, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            x = sigmoid(o) * np.tanh(c)
            self.state[cell] = [x, c]
        return x

    def probabilities(self, choices):
        """The probability of each decision of a node with two edges."""
        controller, embedding = self.controller, self.weight("embedding")
        space, start = controller.space, embedding[-1]
        choices, found = [*choices], []
        for _ in space.cell_types:
            outputs = [self.step(start), self.step(start)]
            anchors = [np.zeros_like(start)] * 2
            keys = [output @ self.weight("anchor_keys") for output in outputs]
            for _ in space.nodes:
                x = start
                for _ in range(2):
                    query = self.step(x) @ self.weight("queries")
                    hidden = np.tanh(np.array(keys) + query)
                    logits = (hidden @ self.weight("attention"))[:, 0]
                    logits = 1.1 * np.tanh(logits / 5)
                    chosen = choices.pop(0)
                    found.append(softmax(logits)[chosen])
                    x = anchors[chosen]
                for _ in range(2):
                    logits = self.step(x) @ self.weight("operation", "kernel")
                    logits = logits + self.weight("operation", "bias")
                    logits = 0.44 * np.tanh(logits / 5)
                    chosen = choices.pop(0)
                    found.append(softmax(logits)[chosen])
                    x = embedding[chosen]
                anchors.append(self.step(x))
                keys.append(anchors[-1] @ self.weight("anchor_keys"))
        return found


@pytest.mark.parametrize("num_layers", [1, 2])
def test_the_policy_is_that_of_the_authors_code_of_enas(num_layers):
    controller = controller_of(
        NASNetSearchSpace(3),
        num_layers=num_layers,
        temperature=5.0,
        tanh_constant=1.1,
        operation_tanh_constant=0.44,
    )
    bias = controller.operation_logits.bias
    bias.assign(np.random.default_rng(0).normal(size=bias.shape))
    (choices,) = controller.sample(np.random.default_rng(0), 1)
    ((found,), _) = controller(choices[np.newaxis])
    expected = InNumPy(controller).probabilities(choices)
    np.testing.assert_allclose(np.exp(found), expected, rtol=1e-12)


def test_the_gradient_is_that_of_finite_differences():
    controller = controller_of(TINY["predecessors repeat"])
    choices = controller.sample(np.random.default_rng(0), 4)
    weights = controller.trainable_variables
    generator = np.random.default_rng(0)
    directions = [generator.normal(size=each.shape) for each in weights]
    coefficients = generator.normal(size=(2, *choices.shape))

    def value():
        found = controller(choices)
        return sum(
            tf.reduce_sum(c * each) for c, each in zip(coefficients, found)
        )

    def value_at(step):
        for weight, direction in zip(weights, directions):
            weight.assign_add(step * direction)
        found = float(value())
        for weight, direction in zip(weights, directions):
            weight.assign_add(-step * direction)
        return found

    with tf.GradientTape() as tape:
        total = value()
    gradients = tape.gradient(total, [each.value for each in weights])
    expected = (value_at(1e-5) - value_at(-1e-5)) / 2e-5
    found = sum(
        np.sum(tf.convert_to_tensor(g) * d)
        for g, d in zip(gradients, directions)
    )
    assert found == pytest.approx(expected, rel=1e-8)


def test_initial_weights_are_uniform_and_follow_the_seed():
    space = NASNetSearchSpace()
    one, same, other = (
        RecurrentController(space, units=16, init_range=0.08, seed=seed)
        for seed in (0, 0, 1)
    )
    matrices = [w for w in one.get_weights() if w.ndim > 1]
    for n, (a, b, c) in enumerate(
        zip(*(each.get_weights() for each in (one, same, other)))
    ):
        np.testing.assert_array_equal(a, b)
        assert a.ndim == 1 or (a != c).all(), n
    values = np.concatenate([w.ravel() for w in matrices])
    assert np.abs(values).max() < 0.08
    assert scipy.stats.kstest(values / 0.16 + 0.5, "uniform").pvalue > 1e-3
    # No two matrices of one shape are equal.
    assert len({w.tobytes() for w in matrices}) == len(matrices)


def test_it_is_made_again_from_its_config():
    controller = RecurrentController(
        TINY["predecessors repeat"], 3, 2, 0.2, 2.0, 1.5, 0.5, 7, name="mine"
    )
    config = json.loads(json.dumps(controller.get_config()))
    again = RecurrentController.from_config(config)
    assert again.get_config() == controller.get_config()
    choices = controller.sample(np.random.default_rng(0), 3)
    for one, other in zip(controller(choices), again(choices)):
        np.testing.assert_array_equal(one, other)
    known = keras.saving.get_registered_object("tfdarts>RecurrentController")
    assert known is RecurrentController
