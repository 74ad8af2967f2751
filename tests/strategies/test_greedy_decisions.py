"""SGAS: scores by SciPy and plain loops, decisions by brute force."""

import types

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

import tfdarts
from tfdarts.layers.alphas import Alphas
from tfdarts.strategies.gradient.greedy_decisions import GreedyDecisions
from tfdarts.strategies.gradient.greedy_decisions import edge_scores
from tfdarts.strategies.gradient.greedy_decisions import num_due
from tfdarts.strategies.gradient.perturbations import to_simplex
from tfdarts.strategies.gradient.regularizers import Beta

PRIMITIVES = ("none", "skip_connect", "max_pool_3x3", "sep_conv_3x3")
SPACE = tfdarts.CNNSearchSpace(3, PRIMITIVES)


def scaled(values):
    return (values - min(values)) / (max(values) - min(values))


def scores_by_hand(probabilities, history=()):
    """The criteria of the paper, one edge at a time."""
    importance = [sum(row[1:]) for row in probabilities]
    choices = [row[1:] / sum(row[1:]) for row in probabilities]
    certainty = [
        1 - scipy.stats.entropy(choice, base=len(choice)) for choice in choices
    ]
    score = scaled(np.array(importance)) * scaled(np.array(certainty))
    if history:
        stability = []
        for edge, choice in enumerate(choices):
            overlaps = []
            for each in history:
                before = each[edge][1:] / sum(each[edge][1:])
                overlaps.append(sum(min(a, b) for a, b in zip(before, choice)))
            stability.append(sum(overlaps) / len(overlaps))
        score = score * scaled(np.array(stability))
    return score


@pytest.mark.parametrize("epochs", [0, 1, 4])
def test_the_score_is_importance_times_certainty_times_stability(epochs):
    random = np.random.default_rng(epochs)
    now, *history = random.dirichlet(np.ones(4), (epochs + 1, SPACE.num_edges))
    np.testing.assert_allclose(
        edge_scores(SPACE, "normal", now, history),
        scores_by_hand(now, history),
        rtol=1e-12,
    )


def test_what_is_equal_on_all_edges_does_not_count():
    """Without none all edges are as important; one primitive is certain."""
    space = tfdarts.CNNSearchSpace(2, PRIMITIVES[1:])
    now = np.random.default_rng(0).dirichlet(np.ones(3), 5)
    entropies = scipy.stats.entropy(now, axis=1, base=3)
    found = edge_scores(space, "normal", now)
    np.testing.assert_allclose(found, scaled(1 - entropies), rtol=1e-9)


def decide_by_brute_force(probabilities_of_epochs, due_of_epochs, history):
    """The decisions of the authors' loop: dict from edges to primitives."""
    decided, frozen, earlier = {}, {}, []
    for now, due in zip(probabilities_of_epochs, due_of_epochs):
        now = np.array([frozen.get(e, row) for e, row in enumerate(now)])
        recent = earlier[-history:] if history else []
        score = scores_by_hand(now, recent)
        while sum(name != 0 for name in decided.values()) < due:
            open_edges = [e for e in range(len(now)) if e not in decided]
            edge = max(open_edges, key=lambda e: score[e])
            decided[edge] = 1 + int(np.argmax(now[edge][1:]))
            node = SPACE.edges[edge][0]
            into = [e for e, (to, _) in enumerate(SPACE.edges) if to == node]
            if sum(e in decided for e in into) >= 2:
                for other in into:
                    decided.setdefault(other, 0)
        for edge in decided:
            frozen.setdefault(edge, now[edge])
        earlier.append(now)
    return decided


@pytest.fixture(scope="module")
def supernet():
    return tfdarts.CNNSupernet(2, 3, 3, (4, 4, 1), space=SPACE)


def reset(supernet, seed):
    random = np.random.default_rng(seed)
    for alphas in supernet.alphas.values():
        alphas.alpha.assign(random.normal(size=alphas.alpha.shape))


def let_move(alphas, random):
    """Moves the alphas of undecided edges."""
    open_edges = (alphas.allowed().sum(axis=1) > 1)[:, None]
    moved = alphas.alpha + 0.5 * random.normal(size=alphas.alpha.shape)
    alphas.alpha.assign(np.where(open_edges, moved, alphas.alpha))


@pytest.mark.parametrize(("history", "seed"), [(0, 1), (2, 2), (4, 3)])
def test_decisions_are_those_of_brute_force(supernet, history, seed):
    reset(supernet, seed)
    search = types.SimpleNamespace(supernet=supernet, trace_again=bool)
    callback = GreedyDecisions(search, history)
    callback.set_params({"epochs": 10})
    random = np.random.default_rng(seed)
    seen = {name: [] for name in supernet.alphas}
    for epoch in range(10):
        for name, alphas in supernet.alphas.items():
            let_move(alphas, random)
            seen[name].append(alphas.probabilities())
        if epoch == 5:  # A resumed search has only the variables.
            before = search.probabilities_of_epochs
            callback = GreedyDecisions(search, history)
            callback.set_params({"epochs": 10})
            for name, variable in search.probabilities_of_epochs.items():
                variable.assign(before[name])
        callback.on_epoch_end(epoch)
    due = [num_due(epoch + 1, 10, 6) for epoch in range(10)]
    assert due[0] == 0 and due[-1] == 6
    for name, alphas in supernet.alphas.items():
        expected = decide_by_brute_force(seen[name], due, history)
        assert len(expected) == SPACE.num_edges
        probabilities = alphas.probabilities()
        for edge, primitive in expected.items():
            row = np.zeros(4)
            row[primitive] = primitive > 0
            np.testing.assert_array_equal(probabilities[edge], row)
    genotype = supernet.genotype()
    for name, alphas in supernet.alphas.items():
        kept = {
            (node, source)
            for node, edges in zip(SPACE.nodes, genotype.cells[name].nodes)
            for _, source in edges
        }
        decided = alphas.allowed().any(axis=1)
        assert kept == {SPACE.edges[e] for e in np.flatnonzero(decided)}


def test_published_epochs_decide_after_those_of_the_authors():
    """Their first is after epoch 9, counted from 0, then every fifth."""
    decided = [num_due(epoch + 1, 50, 8) for epoch in range(50)]
    first = [decided.index(count) for count in range(1, 9)]
    assert first == [9, 14, 19, 24, 29, 34, 39, 44]


@pytest.mark.parametrize(
    "relaxation", ["softmax", "sigmoid", "concrete", "dirichlet"]
)
def test_a_decided_edge_is_its_operation_and_a_cut_edge_is_nothing(relaxation):
    alphas = Alphas(3, 4, relaxation=relaxation, edge_groups=[0, 0, 0])
    free = Alphas(3, 4, relaxation=relaxation)
    for each in (alphas, free):
        each.decide(0, 2)
        each.decide(1)
    assert alphas.allowed().tolist() == [
        [False, False, True, False],
        [False] * 4,
        [True] * 4,
    ]
    for training in (False, True):
        with tf.GradientTape() as tape:
            tape.watch(free.alpha.value)
            weights = free.edge_weights(training)
            loss = tf.reduce_sum(weights**3)
        gradient = tape.gradient(loss, free.alpha.value)
        assert weights[0].numpy().tolist() == [0, 0, 1, 0]
        assert not weights[1].numpy().any()
        assert weights[2].numpy().all()
        gradient = tf.convert_to_tensor(gradient)[:2]
        np.testing.assert_allclose(gradient, 0, atol=1e-7)
    # Edge normalization is over the edges that are left.
    beta = np.exp(alphas.beta.numpy().astype("float64"))[[0, 2]]
    sums = alphas.probabilities().sum(axis=1)
    plain = free.probabilities().sum(axis=1)
    assert sums[1] == 0
    np.testing.assert_allclose(
        sums[[0]] / plain[[0]], beta[:1] / beta.sum(), rtol=1e-6
    )


def test_a_search_moves_no_decided_alpha(supernet):
    reset(supernet, 0)
    search = tfdarts.DARTS(supernet, order=1, alpha_regularizer=Beta(1.0))
    # The decay alone would move alphas of -1e9.
    search.compile(tfdarts.SGD(0.1), tfdarts.Adam(0.5, l2=1.0))
    alphas = supernet.alphas["normal"]
    alphas.decide(0, 3)
    alphas.decide(4)
    before = supernet.alpha_values()
    random = np.random.default_rng(0)
    data = random.normal(size=(8, 4, 4, 1)).astype("float32"), np.arange(8) % 3
    logs = search.fit(data, data, batch_size=8, verbose=0).history
    assert np.abs(logs["alpha_loss"]) < 20  # Decided alphas count nothing.
    moved = supernet.alpha_values()["normal"] != before["normal"]
    assert not moved[[0, 4]].any()
    assert moved[[1, 2, 3]].all()


def test_perturbed_weights_of_a_cut_edge_stay_0():
    start = tf.constant([[0.0, 0.0], [0.0, 1.0]])
    found = to_simplex(start + [[0.3, -0.2], [0.1, -0.2]], start)
    assert found.numpy().tolist() == [[0, 0], [0, 1]]


def test_a_model_without_cells_is_refused():
    model = types.SimpleNamespace(supernet=keras.Sequential())
    with pytest.raises(ValueError, match="edges of cells"):
        GreedyDecisions(model)


def channels_normalized(search):
    """The channels that all batch norms of a step of the weights compute."""
    specs = tf.TensorSpec((8, 4, 4, 1)), tf.TensorSpec((8,), tf.int64)
    operations = search.gradient_graph((*specs, ())).get_operations()
    return sum(
        each.outputs[0].shape[-1]
        for each in operations
        if each.type in ("FusedBatchNorm", "FusedBatchNormV3")
    )


def channels_of_operations(supernet):
    """Those of the stem, of inputs, and of the operations of the edges."""
    space, count = supernet.space, 3 * supernet.init_channels
    for cell in supernet.cells:
        allowed = supernet.alphas[supernet.cell_type_of(cell)].allowed()
        count += 2 * cell.filters
        for source in range(space.nodes[-1]):
            rows = allowed[space.outgoing_edges(source)]
            _, skips, pools, convolutions = rows.sum(axis=0)
            strided = cell.reduction and source < 2
            # The edges out of a node share its pooling.
            normed = strided * skips + (pools > 0) + 2 * convolutions
            count += cell.filters * normed
    return count


def test_decided_edges_compute_their_operation_alone():
    space = tfdarts.CNNSearchSpace(2, PRIMITIVES)
    supernet = tfdarts.CNNSupernet(2, 3, 3, (4, 4, 1), space=space)
    reset(supernet, 0)
    search = tfdarts.DARTS(supernet, order=1)
    search.compile(tfdarts.SGD(0.1))
    decisions = GreedyDecisions(search)
    decisions.set_params({"epochs": 10, "steps": 50})
    decisions.on_train_begin()
    whole = channels_normalized(search)
    assert whole == channels_of_operations(supernet)
    decisions.on_epoch_end(7)
    assert channels_normalized(search) == channels_of_operations(supernet)
    assert channels_normalized(search) < whole
    decisions.on_train_end()
    # As if resumed; few steps are not worth a graph.
    for steps, leaves_out in ((50, True), (10, False)):
        again = GreedyDecisions(search)
        again.set_params({"epochs": 10, "steps": steps})
        again.on_train_begin()
        found = [m._subsets for c in supernet.cells for m in c.mixed_ops]
        assert any(found) == leaves_out
        again.on_train_end()
