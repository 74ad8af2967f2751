"""DARTS-PT: planted operations and brute force over removals."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from path_accuracy import accuracy_by_keras

import tfdarts
from tfdarts.strategies.gradient.projection import Projection
from tfdarts.strategies.gradient.projection import least_missed
from tfdarts.strategies.gradient.projection import most_missed
from tfdarts.strategies.gradient.projection import num_decisions

PRIMITIVES = ("none", "skip_connect", "max_pool_3x3", "sep_conv_3x3")
SPACE = tfdarts.CNNSearchSpace(3, PRIMITIVES)


@pytest.fixture
def supernet():
    keras.utils.set_random_seed(0)
    return tfdarts.CNNSupernet(2, 3, 3, (4, 4, 1), space=SPACE)


def batch(seed):
    random = np.random.default_rng(seed)
    images = random.normal(1.0, 1.0, (8, 4, 4, 1)).astype("float32")
    return tf.constant(images), tf.constant(random.integers(0, 3, 8))


def project_all(callback, every):
    for epoch in range(every * num_decisions(SPACE)):
        before = [a.allowed() for a in callback.supernet.alphas.values()]
        callback.on_epoch_begin(epoch)
        after = [a.allowed() for a in callback.supernet.alphas.values()]
        changed = [(b != a).any() for b, a in zip(before, after)]
        assert all(changed) if epoch % every == 0 else not any(changed)


@pytest.mark.parametrize("seed", range(3))
def test_planted_operations_are_found(supernet, seed):
    """The score is a sum of credits, so that what is missed is known."""
    random = np.random.default_rng(seed)
    credits = [random.random((9, 4)) for _ in range(2)]
    layers = [*supernet.alphas.values()]

    def score_of(edge_weights, batches):
        assert batches == "examples"
        return sum(float(np.sum(w * c)) for w, c in zip(edge_weights, credits))

    search = types.SimpleNamespace(
        supernet=supernet,
        edge_weights=lambda: [each.relaxed() for each in layers],
        score_of=score_of,
    )
    expected = []
    for layer, credit in zip(layers, credits):
        best = (layer.edge_weights() * credit).numpy().argmax(axis=1)
        worth = credit[np.arange(9), best]
        kept = np.zeros((9, 4))
        for node in SPACE.nodes:
            into = [e for e, (to, _) in enumerate(SPACE.edges) if to == node]
            for edge in sorted(into, key=lambda e: -worth[e])[:2]:
                kept[edge, best[edge]] = 1
        expected.append(kept)
    project_all(Projection(search, "examples", every=2, seed=seed), every=2)
    for layer, kept in zip(layers, expected):
        np.testing.assert_array_equal(layer.probabilities(), kept)


def test_an_edge_loses_what_accuracy_misses_least(supernet, monkeypatch):
    """By brute force, with the accuracy of the supernet by Keras."""
    search = tfdarts.DARTS(supernet, order=1)
    search.compile(tfdarts.SGD(0.1), tfdarts.Adam(0.1))
    batches = [batch(seed) for seed in (0, 1, 2)]
    search.fit(*[batch(0)] * 2, epochs=20, verbose=0)
    small = tuple(tensor[:3] for tensor in batch(3))
    before = [v.numpy() for v in supernet.variables]
    callback = Projection(search, [*batches, small], every=1, seed=4)
    first, second = [layer.edge_weights() for layer in supernet.alphas.values()]
    edge = np.random.default_rng((4, 0, 0)).choice(np.arange(9))
    scores = []
    for primitive in range(4):
        without = first.numpy()
        without[edge, primitive] = 0
        scores.append(
            accuracy_by_keras(supernet, [without, second], batches, monkeypatch)
        )
        found = search.score_of([without, second], [*batches, small])
        assert found == pytest.approx(scores[-1], abs=1e-6)
    assert len({*scores}) > 1
    for variable, value in zip(supernet.variables, before):
        np.testing.assert_array_equal(variable, value)
    callback.on_epoch_begin(0)
    allowed = supernet.alphas["normal"].allowed()
    assert allowed[edge].tolist() == [
        primitive == np.argmin(scores) for primitive in range(4)
    ]
    assert (allowed.sum(axis=1) == 1).sum() == 1


def test_without_accuracy_the_loss_is_the_score(supernet):
    search = tfdarts.DARTS(supernet, order=1)
    search.compile(tfdarts.SGD(0.1), tfdarts.Adam(0.1), accuracy=None)
    x, y = batch(0)
    values = [v.numpy() for v in supernet.variables]
    found = search.score_of(search.edge_weights(), [(x, y)])
    for variable, value in zip(supernet.variables, values):
        np.testing.assert_array_equal(variable, value)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    expected = -float(loss(y, supernet(x, training=True)))
    assert found == pytest.approx(expected, rel=1e-5)


def test_ties_are_broken_as_in_the_authors_code():
    assert most_missed([2, 5, 7], {2: 1, 5: 0, 7: 0}.get) == 5
    assert least_missed([2, 5, 7], {2: 1, 5: 0, 7: 1}.get) == 7


def test_the_decisions_of_the_paper():
    """14 edges and the 3 nodes with more than two; the authors' 81 epochs."""
    decisions = num_decisions(tfdarts.CNNSearchSpace())
    assert decisions == 17
    assert (decisions - 1) * 5 + 1 == 81
    assert num_decisions(tfdarts.CNNSearchSpace(edges_per_node="all")) == 14


def test_a_model_without_cells_is_refused():
    search = types.SimpleNamespace(supernet=keras.Sequential())
    with pytest.raises(ValueError, match="edges of cells"):
        Projection(search, [])
