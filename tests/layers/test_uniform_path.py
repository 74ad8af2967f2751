"""Paths that are drawn uniformly, and what a path computes."""

import collections
import itertools
import json

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
from samples import image
from samples import scramble

import tfdarts
from tfdarts.layers.alphas import Alphas
from tfdarts.layers.bundles import LayerBundle
from tfdarts.layers.chosen_mixed_op import ChosenMixedOp
from tfdarts.layers.search_cell import SearchCell
from tfdarts.layers.uniform_path import UniformPath
from tfdarts.search_spaces.nas_bench_201 import NASBench201SearchSpace

NAMES = ("none", "skip_connect", "max_pool_3x3")
SPACE = tfdarts.CNNSearchSpace(2, NAMES)


def draw(alphas, count):
    """Returns edge weights `(count, edges, primitives)`."""

    @tf.function
    def draw_one():
        return alphas.edge_weights(training=True)

    return np.array([draw_one().numpy() for _ in range(count)])


def cells_of(mask):
    """Yields the edge weights of all cells, by brute force."""
    nodes = np.array([to for to, _ in SPACE.edges])
    for columns in itertools.product(range(-1, 3), repeat=5):
        columns = np.array(columns)
        kept = columns >= 0
        if all(kept[nodes == node].sum() == 2 for node in (2, 3)):
            weights = (columns[:, None] == np.arange(3)).astype(float)
            if (weights <= mask).all():
                yield weights


@pytest.mark.parametrize(
    ("rows", "number"),
    [
        ([[0, 1, 1]] * 5, 4 * 3 * 4),
        # The edges of the second node keep one predecessor of three.
        ([[0, 1, 1]] * 2 + [[0, 1, 0], [0, 0, 1], [0, 0, 1]], 4 * 3),
    ],
)
def test_all_cells_are_equally_likely(rows, number):
    """By a chi-squared test against all cells, and by the mean of them."""
    mask = np.array(rows, bool)
    cells = [*cells_of(mask)]
    assert len(cells) == number
    relaxation = UniformPath(SPACE, seed=1)
    alphas = Alphas(5, 3, relaxation=relaxation, mask=mask | [1, 0, 0])
    drawn = draw(alphas, 50 * number)
    counts = collections.Counter(map(bytes, drawn.astype(float)))
    assert {*counts} == {*map(bytes, cells)}
    assert scipy.stats.chisquare([*counts.values()]).pvalue > 0.001
    np.testing.assert_allclose(
        alphas.probabilities(), np.mean(cells, axis=0), rtol=1e-12
    )


def test_spaces_that_keep_all_edges_may_draw_none():
    space = NASBench201SearchSpace()
    shape = space.alpha_shape
    alphas = Alphas(*shape, relaxation=UniformPath(space, seed=2))
    drawn = draw(alphas, 200)
    assert (drawn.sum(axis=-1) == 1).all()
    assert (drawn.sum(axis=0) > 0).all()
    np.testing.assert_allclose(alphas.probabilities(), np.full(shape, 0.2))


def test_decided_edges_are_always_drawn():
    alphas = Alphas(5, 3, relaxation=UniformPath(SPACE, seed=3))
    for edge, primitive in enumerate([1, 2, None, 2, 1]):
        alphas.decide(edge, primitive)
    expected = np.eye(4)[[1, 2, 3, 2, 1], :3]
    np.testing.assert_array_equal(draw(alphas, 3), [expected] * 3)
    np.testing.assert_array_equal(alphas.edge_weights(), expected)
    np.testing.assert_array_equal(alphas.probabilities(), expected)


def test_the_gradient_of_alpha_is_that_of_its_weight():
    alpha, factors = tf.random.normal((5, 3)), tf.random.normal((5, 3))
    with tf.GradientTape() as tape:
        tape.watch(alpha)
        weights = UniformPath(SPACE, seed=4).weights_of(alpha, training=True)
        loss = tf.reduce_sum(factors * weights)
    np.testing.assert_allclose(tape.gradient(loss, alpha), factors)


def test_it_is_made_again_with_its_seed(tmp_path):
    config = UniformPath(SPACE, seed=5).get_config()
    twins = [
        UniformPath.from_config(json.loads(json.dumps(config)))
        for _ in range(2)
    ]
    first, second = (draw(Alphas(5, 3, relaxation=each), 3) for each in twins)
    np.testing.assert_array_equal(first, second)
    supernet = tfdarts.CNNSupernet(
        *(2, 3, 3, (4, 4, 1)),
        space=SPACE,
        relaxation=twins[0],
        mixed_op=ChosenMixedOp,
    )
    supernet.save(tmp_path / "supernet.keras")
    loaded = keras.models.load_model(tmp_path / "supernet.keras")
    x = image(2, 4, 4, 1).astype("float32")
    for _ in range(2):
        np.testing.assert_array_equal(loaded(x), supernet(x))


# What a path computes


@pytest.fixture
def called(monkeypatch):
    """The primitives that are computed, a list."""
    names = []
    call = LayerBundle.call

    def note(self, inputs, scale=None, training=None):
        names.append(self.primitive)
        return call(self, inputs, scale, training)

    monkeypatch.setattr(LayerBundle, "call", note)
    return names


@pytest.mark.parametrize("reduction", [False, True])
def test_a_path_computes_its_genotype_and_nothing_else(reduction, called):
    """Node by node, with the layers of the genotype and their weights."""
    names = ("skip_connect", "avg_pool_3x3", "sep_conv_3x3", "dil_conv_3x3")
    space = tfdarts.CNNSearchSpace(3, names)
    cell = SearchCell(
        4, reduction, space=space, mixed_op=ChosenMixedOp, dtype="float64"
    )
    cell.build((2, 6, 6, 4), (2, 6, 6, 4), space.alpha_shape)
    scramble(cell)
    older, newer = (tf.constant(image(2, 6, 6, 4, seed=n)) for n in range(2))
    alpha = tf.zeros(space.alpha_shape, "float64")
    weights = UniformPath(space, seed=6).weights_of(alpha)
    found = cell(older, newer, weights, training=True)
    drawn = [names[column] for _, column in np.argwhere(weights.numpy())]
    assert len(drawn) == 6
    assert sorted(name for name in called if name != "none") == sorted(drawn)
    nodes = [
        preprocess(inputs, training=True)
        for preprocess, inputs in zip(cell.preprocess, (older, newer))
    ]
    for node in space.nodes:
        total = 0
        for edge, (to, source) in enumerate(space.edges):
            if to == node and tf.reduce_any(weights[edge] > 0):
                name = names[int(tf.argmax(weights[edge]))]
                place = space.outgoing_edges(source).index(edge)
                layer = cell.mixed_ops[source].operation_of(place, name)
                total += layer(nodes[source], training=True)
        nodes.append(total)
    np.testing.assert_allclose(found, tf.concat(nodes[2:], -1), atol=1e-10)


def test_a_path_runs_less_than_a_quarter_of_the_operations(called):
    """Of the paper's cell: 8 operations of 14 times 8."""
    space = tfdarts.CNNSearchSpace()
    cell = SearchCell(2, space=space, mixed_op=ChosenMixedOp)
    weights = UniformPath(space, seed=7).weights_of(tf.zeros((14, 8)))
    images = tf.ones((1, 4, 4, 2))
    cell(images, images, weights, training=True)
    assert 4 * len([name for name in called if name != "none"]) < 14 * 8


def test_a_cut_edge_computes_nothing(called):
    layer = ChosenMixedOp(2, 4, primitives=("sep_conv_3x3", "dil_conv_3x3"))
    layer.build((2, 4, 4, 4), (2, 2))
    before = layer.get_weights()
    weights = tf.constant([[0.0, 0.0], [0.0, 1.0]])
    x = tf.constant(image(2, 4, 4, 4).astype("float32"))
    outputs = layer(x, weights, training=True)
    assert not outputs[..., :4].numpy().any()
    assert outputs[..., 4:].numpy().any()
    assert called == ["none", "dil_conv_3x3"]
    moved = [
        not np.array_equal(*pair) for pair in zip(before, layer.get_weights())
    ]
    # The statistics of the second edge.
    assert sum(moved) == 1
