"""OLES: which operations are frozen, and what being frozen means."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from plain_loss import plain_loss

import tfdarts
from tfdarts.layers.mixed_op import MixedOp
from tfdarts.layers.nested import nested_layers
from tfdarts.strategies.gradient.operation_freezing import OperationFreezing
from tfdarts.strategies.gradient.operation_freezing import operations_of_weights

PRIMITIVES = ("none", "skip_connect", "max_pool_3x3", "sep_conv_3x3")


def tiny_supernet():
    keras.utils.set_random_seed(0)
    return tfdarts.CNNSupernet(
        *(2, 3, 3, (4, 4, 1)), num_nodes=2, primitives=PRIMITIVES
    )


def tiny_search(**options):
    search = OperationFreezing(tiny_supernet(), **options)
    search.compile(tfdarts.SGD(0.1, momentum=0.9, l2=3e-3), tfdarts.Adam(0.05))
    return search


def batch(seed):
    random = np.random.default_rng(seed)
    images = random.normal(1.0, 1.0, (8, 4, 4, 1)).astype("float32")
    return tf.constant(images), tf.constant(random.integers(0, 3, 8))


def flat(variables):
    return np.concatenate([np.ravel(variable) for variable in variables])


@pytest.mark.slow
def test_the_weights_of_an_operation_are_those_of_its_own_layer():
    supernet = tiny_supernet()
    before = flat(supernet.variables)
    owners = operations_of_weights(supernet)
    np.testing.assert_array_equal(flat(supernet.variables), before)
    weights = supernet.trainable_variables
    cuts = np.cumsum([w.numpy().size for w in weights])[:-1]
    of_layers = []
    mixed_ops = [
        layer for layer in nested_layers(supernet) if isinstance(layer, MixedOp)
    ]
    for number in range(owners.max() + 1):
        for w, part in zip(weights, np.split(owners == number, cuts)):
            w.assign(part.reshape(w.shape).astype("float32"))
        touched = []
        for position, mixed_op in enumerate(mixed_ops):
            for name in PRIMITIVES:
                for edge in range(mixed_op.num_edges):
                    layer = mixed_op.operation_of(edge, name)
                    values = flat([*layer.trainable_variables, []])
                    if values.any():
                        assert values.all()
                        touched.append((position, name, edge))
        of_layers += touched
        assert len(touched) == 1
    # Each operation has a number of its own, and all have one: sep_conv on
    # five edges of three cells, and skips of stride 2 on four of two cells.
    edges, reduced = 3 * 5, 2 * 4
    assert len({*of_layers}) == len(of_layers) == edges + reduced
    # What is left belongs to the stem, the inputs of cells and the classifier.
    others = [*supernet.classifier.trainable_variables]
    others += [*supernet.stem_conv.trainable_variables]
    others += [*supernet.stem_norm.trainable_variables]
    for cell in supernet.cells:
        for layer in cell.preprocess:
            others += layer.trainable_variables
    assert (owners < 0).sum() == flat(others).size


def test_cosines_are_those_of_both_gradients():
    """By NumPy, from a loss that is written plainly."""
    search = tiny_search()
    supernet = search.supernet
    loss = [plain_loss(supernet, *batch(seed)) for seed in (0, 1)]
    weights = [tf.constant(w.numpy()) for w in supernet.network_weights]
    gradients = []
    # The alphas take their step between the two.
    alphas = [tf.constant(v.numpy()) for v in supernet.alpha_variables]
    search.update_alphas(
        None, search._parts((*batch(1), ()), "val"), tf.constant(0.1)
    )
    moved = [tf.constant(v.numpy()) for v in supernet.alpha_variables]
    for function, at in zip(loss, (moved, alphas)):
        with tf.GradientTape() as tape:
            tape.watch(weights)
            value = function(weights, at)
        gradients.append(flat(tape.gradient(value, weights)))
    search.update_weights(search._parts((*batch(0), ()), "train"))
    train, val = gradients
    expected = []
    for number in range(search.num_operations):
        own = search.operations == number
        lengths = np.linalg.norm(train[own]) * np.linalg.norm(val[own])
        expected.append(train[own] @ val[own] / lengths)
    np.testing.assert_allclose(search.cosines.numpy(), expected, atol=1e-3)
    assert np.abs(expected).max() > 0.1


@pytest.mark.parametrize(("below", "expected"), [(0.4, [1]), (0.6, [0, 1])])
def test_operations_with_a_low_mean_are_frozen_at_its_end(below, expected):
    search = tiny_search(freeze_every=4, freeze_below=below)
    random = np.random.default_rng(0)
    gradient = random.normal(size=search.operations.shape).astype("float32")
    # Means over four steps: 0.5 for operation 0, 0 for 1, nothing for 2.
    for first, second, third in [(1, 1, 0), (1, -1, 0), (1, 1, 0), (-1, -1, 0)]:
        assert not search.frozen.numpy().any()
        factors = np.ones_like(gradient)
        for number, factor in enumerate((first, second, third)):
            factors[search.operations == number] = factor
        search._compare(tf.constant(gradient), gradient * factors)
    np.testing.assert_array_equal(np.flatnonzero(search.frozen), expected)
    assert float(search.steps) == 0 and not search.cosines.numpy().any()
    for _ in range(4):  # What is frozen stays so.
        search._compare(tf.constant(gradient), gradient)
    np.testing.assert_array_equal(np.flatnonzero(search.frozen), expected)


def test_frozen_weights_stay_and_all_else_moves():
    search = tiny_search()
    supernet = search.supernet
    search.train_step((batch(0), batch(1)))  # Momentum.
    search.frozen.assign(np.arange(search.num_operations) % 2)
    before = flat(supernet.trainable_variables)
    alphas = flat(supernet.alpha_variables)
    search.train_step((batch(2), batch(3)))
    moved = flat(supernet.trainable_variables) != before
    frozen = (search.operations >= 0) & (search.operations % 2 == 1)
    assert not moved[frozen].any()
    assert moved[~frozen].mean() > 0.99
    assert (flat(supernet.alpha_variables) != alphas).all()


def test_without_frozen_operations_a_step_is_that_of_darts():
    search = tiny_search()
    plain = tfdarts.DARTS(tiny_supernet(), order=1)
    plain.compile(tfdarts.SGD(0.1, momentum=0.9, l2=3e-3), tfdarts.Adam(0.05))
    for each in (search, plain):
        for seed in (0, 2):
            each.train_step((batch(seed), batch(seed + 1)))
    np.testing.assert_allclose(
        flat(search.supernet.variables),
        flat(plain.supernet.variables),
        atol=1e-6,
    )


def test_a_saved_search_knows_what_is_frozen(tmp_path):
    search = tiny_search(freeze_every=1, freeze_below=0.0)
    search.train_step((batch(0), batch(1)))
    assert 0 < search.frozen.numpy().mean() < 1
    assert {id(search.frozen), id(search.cosines), id(search.steps)} <= {
        id(variable) for variable in search.own_variables
    }
    search.save(tmp_path / "search.keras")
    loaded = keras.saving.load_model(tmp_path / "search.keras")
    assert (loaded.freeze_every, loaded.freeze_below) == (1, 0.0)
    for each in (search, loaded):
        each.train_step((batch(2), batch(3)))
    for one, other in zip(search.variables, loaded.variables):
        np.testing.assert_array_equal(one, other)


def test_what_cannot_be_frozen_is_refused():
    with pytest.raises(ValueError, match="`order` must be 1"):
        OperationFreezing(tiny_supernet(), order=2)
    with pytest.raises(ValueError, match="'alpha_first'"):
        OperationFreezing(tiny_supernet(), update_order="weights_first")
    recurrent = tfdarts.RNNSupernet(7, 4)
    with pytest.raises(ValueError, match="convolutional cells"):
        OperationFreezing(recurrent)
