"""Shapley-NAS: values by enumeration, masks, and what alpha moves by."""

import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfdarts
from tfdarts.strategies.gradient.shapley import ShapleySearch
from tfdarts.strategies.gradient.shapley import contributions
from tfdarts.strategies.gradient.shapley import standardize
from tfdarts.strategies.strategy_registry import get_strategy

PRIMITIVES = ("none", "skip_connect", "max_pool_3x3")


def exact_values(value, count):
    """The Shapley value by its definition, over all coalitions."""
    found = np.zeros(count)
    for player in range(count):
        others = [each for each in range(count) if each != player]
        for size in range(count):
            weight = (
                math.factorial(size)
                * math.factorial(count - size - 1)
                / math.factorial(count)
            )
            for coalition in itertools.combinations(others, size):
                members = np.isin(np.arange(count), coalition)
                without = value(members)
                members[player] = True
                found[player] += weight * (value(members) - without)
    return found


@pytest.mark.parametrize("seed", range(3))
def test_the_mean_over_all_orders_is_the_shapley_value(seed):
    table = np.random.default_rng(seed).uniform(0.1, 1, size=2**4)

    def value(present):
        return table[present @ [1, 2, 4, 8]]

    orders = [*itertools.permutations(range(4))]
    found = np.mean([contributions(order, value) for order in orders], axis=0)
    np.testing.assert_allclose(found, exact_values(value, 4), rtol=1e-12)
    assert np.sum(found) == pytest.approx(table[15] - table[0])


def test_an_order_ends_below_the_least_share():
    calls = []

    def value(present):
        calls.append(present.sum())
        return present @ [4.0, 3.0, 2.0, 1.0]

    # 10, 6, 3: the second player is the last.
    found = contributions([0, 1, 2, 3], value, least_share=0.5)
    assert found.tolist() == [4, 3, 0, 0]
    assert calls == [4, 3, 2]


def test_values_are_normalized_as_pytorch_does():
    values = np.random.default_rng(0).normal(size=(4, 3))
    found = standardize(values)
    np.testing.assert_allclose(
        found, (values - values.mean()) / values.std(ddof=1), rtol=1e-12
    )
    assert not standardize(np.ones((2, 3))).any()


def batch(seed, rows=6):
    random = np.random.default_rng(seed)
    images = random.normal(1.0, 1.0, (rows, 4, 4, 1)).astype("float32")
    return tf.constant(images), tf.constant(random.integers(0, 3, rows))


def tiny_search(**options):
    keras.utils.set_random_seed(0)
    supernet = tfdarts.CNNSupernet(
        *(2, 3, 3, (4, 4, 1)), num_nodes=1, primitives=PRIMITIVES
    )
    search = ShapleySearch(supernet, **options)
    search.compile(tfdarts.SGD(0.1))
    return search


def accuracy_of(supernet, weights, batches):
    """By Keras, with relaxations that return the given edge weights."""
    rows = []
    with pytest.MonkeyPatch.context() as patched:
        for alphas, own in zip(supernet.alphas.values(), weights):
            patched.setattr(
                alphas,
                "edge_weights",
                lambda training, own=own: tf.constant(own),
            )
        for x, y in batches:
            logits = supernet(x, training=False)
            rows.append(np.mean(np.argmax(logits, axis=1) == y))
    return np.mean(rows)


def test_alpha_moves_by_what_leaving_operations_cost():
    """The whole estimate again, one mask after the other."""
    search = tiny_search(samples=3, batches=2, momentum=0.75, seed=5)
    supernet = search.supernet
    for _ in range(8):  # Moving statistics that evaluation needs.
        search.update_weights(search._parts((*batch(0, 32), ()), "train"))
    before = [v.numpy() for v in supernet.alpha_variables]
    weights = [tf.nn.softmax(alpha).numpy() for alpha in before]
    batches = [batch(seed, 32) for seed in range(1, 9)]
    for one in batches:  # The last two are more than are sampled.
        search.update_alphas(None, search._parts((*one, ()), "val"), None)
    search.move_alphas()
    sampled = []
    for first in (0, 2, 4):
        own = batches[first : first + 2]
        order = np.random.default_rng((5, 8)).permutation(12)
        left = np.concatenate([w.ravel() for w in weights])
        start = last = accuracy_of(supernet, weights, own)
        drops = np.zeros(12)
        for player in order:
            left[player] = 0
            split = [half.reshape(2, 3) for half in np.split(left, 2)]
            value = accuracy_of(supernet, split, own)
            drops[player] = last - value
            last = value
            if value < 0.5 * start:
                break
        sampled.append(drops)
    values = np.mean(sampled, axis=0) - np.std(sampled, axis=0)
    assert values.any()
    for half, start, alpha in zip(
        np.split(values, 2), before, supernet.alpha_variables
    ):
        moved = 0.25 * (half - half.mean()) / half.std(ddof=1)
        np.testing.assert_allclose(
            alpha.numpy(), start + 0.1 * moved.reshape(2, 3), atol=1e-6
        )


@pytest.mark.slow
def test_two_devices_value_operations_as_two_micro_batches(two_replicas):
    found = []
    for how in ({"distribution": two_replicas}, {"micro_batches": 2}):
        search = tiny_search(samples=1, batches=1, least_accuracy=0.0, **how)
        for _ in range(8):
            search.update_weights(search._parts((*batch(0, 32), ()), "train"))
        parts = search._parts((*batch(1, 32), ()), "val")
        search.update_alphas(None, parts, None)
        found += search._sampled
    np.testing.assert_allclose(*found, atol=1e-6)
    assert found[0].any()


def test_earlier_epochs_count_by_the_momentum():
    search = tiny_search(momentum=0.75)
    alpha = search.supernet.alpha_variables[0]
    start = alpha.numpy()
    steps = [np.random.default_rng(seed).normal(size=12) for seed in (0, 1)]
    kept, moved = np.zeros((2, 3)), np.zeros((2, 3))
    for step in steps:
        search._sampled = [step]
        search.move_alphas()
        kept = 0.75 * kept + 0.25 * standardize(step[:6].reshape(2, 3))
        moved += 0.1 * kept
    np.testing.assert_allclose(alpha.numpy(), start + moved, rtol=1e-5)


def test_an_epoch_of_few_steps_and_a_saved_search(tmp_path):
    search = tiny_search(samples=3, batches=2)
    data = batch(0, 12), batch(1, 12)
    before = search.supernet.alpha_variables[0].numpy()
    search.fit(*data, batch_size=12, epochs=12, verbose=0)
    assert (search.supernet.alpha_variables[0].numpy() != before).any()
    assert {id(v) for v in search.values} <= set(map(id, search.own_variables))
    search.save(tmp_path / "search.keras")
    loaded = keras.saving.load_model(tmp_path / "search.keras")
    assert (loaded.samples, loaded.batches) == (3, 2)
    for one, other in zip(search.values, loaded.values):
        np.testing.assert_array_equal(one, other)


class Restricted(tfdarts.CNNSearchSpace):
    """The second edge of each cell may only skip or be none."""

    num_nodes = 1
    primitives = PRIMITIVES
    primitives_by_edge = {
        name: (PRIMITIVES, PRIMITIVES[:2]) for name in ("normal", "reduce")
    }


def test_operations_that_an_edge_cannot_have_do_not_play():
    keras.utils.set_random_seed(0)
    supernet = tfdarts.CNNSupernet(2, 3, 3, (4, 4, 1), space=Restricted())
    search = ShapleySearch(supernet, samples=1, batches=1)
    search.compile()
    search.update_alphas(None, search._parts((*batch(0), ()), "val"), None)
    (found,) = search._sampled
    assert np.flatnonzero(np.isnan(found)).tolist() == [5, 11]
    before = supernet.alpha_variables[0].numpy()
    search.move_alphas()
    after = supernet.alpha_variables[0].numpy()
    assert np.isfinite(after).all() and after[1, 2] == before[1, 2]


def test_any_model_with_choices_is_valued():
    """The choice that alone sees the label gains."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((4,))
    choice = tfdarts.LayerChoice(
        [
            keras.layers.Dense(2, name="sees"),
            keras.layers.Lambda(lambda x: 0 * x[:, 2:], name="blind"),
        ]
    )
    search = ShapleySearch(
        keras.Model(inputs, choice(inputs)), samples=4, batches=1
    )
    search.compile("sgd")
    random = np.random.default_rng(0)
    x = random.normal(size=(64, 4)).astype("float32")
    data = x, (x[:, 0] > 0).astype("int64")
    search.fit(data, data, batch_size=16, epochs=5, verbose=0)
    (chosen,) = search.choices().values()
    assert "sees" in str(chosen)


def test_what_has_no_shapley_values_is_refused():
    with pytest.raises(ValueError, match="no gradients of alpha"):
        tiny_search(order=2)
    normalizing = tfdarts.CNNSupernet(
        *(2, 3, 3, (4, 4, 1)), num_nodes=1, edge_normalization=True
    )
    with pytest.raises(ValueError, match="not edges"):
        ShapleySearch(normalizing)
    one = tfdarts.CNNSupernet(
        *(2, 3, 3, (4, 4, 1)), num_nodes=1, relaxation="straight_through"
    )
    with pytest.raises(ValueError, match="all must be computed"):
        ShapleySearch(one)
    with pytest.raises(ValueError, match="give `accuracy`"):
        tiny_search().compile("sgd", accuracy=None)
    for setting, message in (
        ({"relaxation": "straight_through"}, "computes"),
        ({"alpha_regularizer": "beta"}, "always has"),
        ({"edge_normalization": True}, "always has"),
        ({"dataset": "pydoc"}, "cannot search on texts"),
    ):
        with pytest.raises(ValueError, match=message):
            tfdarts.search_config("shapley_nas", **setting)


def test_alpha_takes_plain_steps():
    strategy = get_strategy("shapley_nas")
    config = tfdarts.search_config("shapley_nas")
    _, optimizer = strategy.optimizers(config, None, None)
    assert (float(optimizer.learning_rate), optimizer.momentum) == (
        pytest.approx(0.1),
        0.0,
    )
