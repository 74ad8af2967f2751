"""Λ-DARTS: the weights' step against second derivatives and differences."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfdarts
from tfdarts.layers.alphas import shifted_edge_weights
from tfdarts.layers.primitives import twice_differentiable
from tfdarts.models.nas_bench_201_models import NASBench201Supernet
from tfdarts.strategies.gradient.annealing import Anneal
from tfdarts.strategies.gradient.layer_alignment import LayerAlignment
from tfdarts.strategies.gradient.layer_alignment import mean_cosine
from tfdarts.strategies.strategy_registry import get_strategy

PRIMITIVES = ("none", "avg_pool_3x3", "skip_connect")


def tiny_search(kind=LayerAlignment, num_cells=4, **options):
    keras.utils.set_random_seed(0)
    supernet = tfdarts.CNNSupernet(
        *(2, num_cells, 3, (8, 8, 1)),
        num_nodes=1,
        primitives=PRIMITIVES,
        dtype="float64",
    )
    for alpha in supernet.alpha_variables:
        alpha.assign(np.random.default_rng(3).normal(size=alpha.shape))
    search = kind(supernet, order=1, **options)
    search.compile(tfdarts.SGD(0.1, momentum=0.0), tfdarts.Adam(0.05))
    return search


def batch(seed):
    random = np.random.default_rng(seed)
    images = random.normal(1.0, 1.0, (6, 8, 8, 1))
    return tf.constant(images), tf.constant(random.integers(0, 3, 6))


def weights_after(search, seed=0):
    search.update_weights(search._parts((*batch(seed), ()), "train"))
    return np.concatenate(
        [np.ravel(v) for v in search.supernet.network_weights]
    )


def loss_of_cells(supernet, x, y):
    """The loss as a function of the edge weights of each cell, plainly."""
    state = [v.value for v in supernet.non_trainable_variables]

    def loss(weights, shifts):
        with shifted_edge_weights(shifts):
            logits, _ = supernet.stateless_call(
                weights, state, x, training=True
            )
        of_labels = tf.gather(tf.nn.log_softmax(logits), y, batch_dims=1)
        return -tf.reduce_mean(of_labels)

    return loss


def by_hand(gradients):
    """The mean cosine of all pairs."""
    flat = [
        tf.reshape(each, [-1]) for each in map(tf.convert_to_tensor, gradients)
    ]
    cosines = [
        tf.tensordot(a, b, 1) / (tf.norm(a) * tf.norm(b))
        for a, b in itertools.combinations(flat, 2)
    ]
    return tf.add_n(cosines) / len(cosines)


def test_the_mean_cosine_is_that_of_all_pairs():
    random = np.random.default_rng(0)
    tensors = [tf.constant(random.normal(size=(5, 3))) for _ in range(4)]
    np.testing.assert_allclose(
        mean_cosine(tensors), by_hand(tensors), rtol=1e-12
    )


def test_the_weights_descend_the_loss_less_the_cosine():
    """By differentiating twice, where the authors take a difference."""
    search = tiny_search(alignment=0.7)
    supernet = search.supernet
    loss = loss_of_cells(supernet, *batch(0))
    weights = [tf.constant(v.numpy()) for v in supernet.network_weights]
    shifts = [tf.zeros((2, 3), "float64") for _ in range(4)]
    normal = [0, 3]
    with twice_differentiable(), tf.GradientTape() as outer:
        outer.watch(weights)
        with tf.GradientTape() as inner:
            inner.watch([weights, shifts])
            value = loss(weights, shifts)
        gradients = inner.gradient(value, shifts)
        total = value - 0.7 * by_hand([gradients[i] for i in normal])
    steps = outer.gradient(total, weights)
    expected = np.concatenate(
        [np.ravel(w - 0.1 * step) for w, step in zip(weights, steps)]
    )
    before = np.concatenate([np.ravel(w) for w in weights])
    plain = weights_after(tiny_search(tfdarts.DARTS))
    found = weights_after(search)
    own = np.linalg.norm(expected - plain)
    assert own > 0.05 * np.linalg.norm(plain - before)
    assert np.linalg.norm(found - expected) < 1e-4 * own


def test_a_cell_has_the_gradient_of_its_own_edge_weights():
    """Against central differences of the loss in one cell's edge weights."""
    search = tiny_search()
    loss = loss_of_cells(search.supernet, *batch(0))
    weights = [tf.constant(v.numpy()) for v in search.supernet.network_weights]
    random = np.random.default_rng(1)
    directions = [random.normal(size=(2, 3)) for _ in range(4)]
    zeros = [np.zeros((2, 3))] * 4

    def along(cell, length):
        shifts = [*zeros]
        shifts[cell] = length * directions[cell]
        return loss(weights, [tf.constant(each) for each in shifts])

    values = search._compiled_loss.values()
    objective = search._compiled_loss.objective(
        search._parts((*batch(0), ()), "train"), values.state
    )
    given = [*values.alphas, *map(tf.constant, zeros)]
    *_, gradients, _ = objective.outputs([values.weights], given)
    gradients = [*map(tf.convert_to_tensor, gradients)]
    for cell, direction in enumerate(directions):
        slope = (along(cell, 1e-5) - along(cell, -1e-5)) / 2e-5
        np.testing.assert_allclose(
            np.sum(gradients[2 + cell] * direction), slope, rtol=1e-6
        )
    # Cells of one type have the same alphas, whose gradient is the sum.
    jacobian = [
        tf.nn.softmax(alpha)
        * (g - tf.reduce_sum(g * tf.nn.softmax(alpha), -1)[:, None])
        for alpha, g in zip(
            values.alphas,
            (gradients[2] + gradients[5], gradients[3] + gradients[4]),
        )
    ]
    for one, other in zip(gradients, jacobian):
        np.testing.assert_allclose(one, other, rtol=1e-9)


def test_without_weight_a_step_is_that_of_darts():
    found, expected = (
        weights_after(tiny_search(kind, micro_batches=2, **own))
        for kind, own in (
            (LayerAlignment, {"alignment": 0.0}),
            (tfdarts.DARTS, {}),
        )
    )
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.slow
def test_two_devices_align_as_two_micro_batches(two_replicas):
    found, expected = (
        weights_after(tiny_search(alignment=0.5, **how))
        for how in ({"distribution": two_replicas}, {"micro_batches": 2})
    )
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9)


def test_a_step_raises_the_cosine_of_the_cells():
    def cosine_after(alignment):
        search = tiny_search(alignment=alignment)
        supernet = search.supernet
        for _ in range(5):
            weights_after(search)
        loss = loss_of_cells(supernet, *batch(0))
        weights = [tf.constant(v.numpy()) for v in supernet.network_weights]
        shifts = [tf.zeros((2, 3), "float64") for _ in range(4)]
        with tf.GradientTape() as tape:
            tape.watch(shifts)
            value = loss(weights, shifts)
        gradients = tape.gradient(value, shifts)
        return float(by_hand([gradients[0], gradients[3]]))

    assert cosine_after(2.0) > cosine_after(0.0) + 0.05


def test_cells_of_nas_bench_201_are_aligned_and_a_search_is_saved(tmp_path):
    supernet = NASBench201Supernet(2, 5, 3, input_shape=(8, 8, 1))
    search = LayerAlignment(supernet, alignment=0.5, order=1)
    assert search.aligned == [True] * 3
    search.compile()
    x, y = batch(0)
    x = tf.cast(x, tf.float32)
    search.train_step(((x, y), (x, y)))
    search.save(tmp_path / "search.keras")
    loaded = keras.saving.load_model(tmp_path / "search.keras")
    assert (loaded.alignment, loaded.alignment_epsilon) == (0.5, 1e-4)


def test_what_cannot_be_aligned_is_refused():
    with pytest.raises(ValueError, match="at least two normal cells.*with 1"):
        tiny_search(num_cells=3)
    with pytest.raises(ValueError, match="share their alphas"):
        LayerAlignment(tfdarts.RNNSupernet(7, 4))
    half = tfdarts.CNNSupernet(2, 4, 3, (4, 4, 1), dtype="mixed_bfloat16")
    with pytest.raises(ValueError, match="too few digits"):
        LayerAlignment(half, order=1)
    for setting, message in (
        ({"precision": "bfloat16", "order": 1}, "too few digits"),
        ({"relaxation": "straight_through"}, "computes one of an edge"),
        ({"dataset": "pydoc"}, "cannot search on texts"),
    ):
        with pytest.raises(ValueError, match=message):
            tfdarts.search_config("lambda_darts", **setting)


def test_the_weight_grows_from_0(monkeypatch):
    config = tfdarts.search_config("lambda_darts")
    search = tiny_search()
    (anneal,) = get_strategy("lambda_darts").callbacks(config, search)
    assert isinstance(anneal, Anneal)
    anneal.set_params({"epochs": 3})
    found = []
    for epoch in range(3):
        anneal.on_epoch_begin(epoch)
        found.append(search.alignment)
    assert found == [0.0, 0.0625, 0.125]
