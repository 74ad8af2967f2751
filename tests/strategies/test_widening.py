"""What a wider supernet has of the one before, as in DrNAS."""

import functools

import keras
import numpy as np
import pytest
from samples import image
from samples import scramble

import tfdarts
from tfdarts.layers.alphas import EXCLUDED
from tfdarts.layers.edge_places import assign_edge
from tfdarts.layers.edge_places import places_of_edges
from tfdarts.layers.partial_mixed_op import PartialMixedOp
from tfdarts.strategies.gradient.search_stages import keep_strongest
from tfdarts.strategies.gradient.widening import widen

PRIMITIVES = ("max_pool_3x3", "skip_connect", "sep_conv_3x3", "dil_conv_3x3")


def search_of(space, parts, seed):
    keras.utils.set_random_seed(seed)
    supernet = tfdarts.CNNSupernet(
        *(8, 3, 3, (4, 4, 1)),
        space=space,
        mixed_op=functools.partial(PartialMixedOp, channel_parts=parts),
    )
    return tfdarts.DARTS(supernet, order=1)


@pytest.fixture(scope="module")
def searches():
    space = tfdarts.CNNSearchSpace(2, PRIMITIVES)
    before = search_of(space, 4, seed=0)
    scramble(before.supernet)
    kept = keep_strongest(space, before.supernet.probabilities(), 2)
    after = search_of(space.narrow(kept), 2, seed=1)
    widen(before, after, seed=3)
    return before.supernet, after.supernet, kept


def test_kept_alphas_go_on(searches):
    before, after, kept = searches
    for name, mask in kept.items():
        assert (mask.sum(axis=1) == 2).all()
        alpha = after.alphas[name].alpha.numpy()
        old = before.alphas[name].alpha.numpy()
        np.testing.assert_array_equal(alpha[mask], old[mask])
        assert (alpha[~mask] == np.float32(EXCLUDED)).all()


def test_each_operation_has_its_channels_and_copies_of_them(searches):
    before, after, kept = searches
    compared = 0
    for one, other in zip(before.cells, after.cells):
        mask = kept["reduce" if one.reduction else "normal"]
        for source, mixed_ops in enumerate(zip(one.mixed_ops, other.mixed_ops)):
            rows = mask[before.space.outgoing_edges(source)]
            for edge, name in np.argwhere(rows):
                compared += same_channels(
                    *(
                        each.operation_of(edge, PRIMITIVES[name]).get_weights()
                        for each in mixed_ops
                    )
                )
    assert compared > 20


def same_channels(old, new):
    """Asserts that the new arrays are the old ones with repeated channels."""
    for array, wide in zip(old, new, strict=True):
        axes = [a for a in range(array.ndim) if array.shape[a] != wide.shape[a]]
        first = wide[tuple(map(slice, array.shape))]
        np.testing.assert_array_equal(first, array)
        for axis in axes:
            assert wide.shape[axis] == 2 * array.shape[axis]
            for channel in np.moveaxis(wide, axis, 0):
                copies = [
                    np.array_equal(channel, each)
                    for each in np.moveaxis(wide, axis, 0)[: array.shape[axis]]
                ]
                assert any(copies)
    return len(old)


def test_all_outside_of_operations_is_the_same(searches):
    before, after, _ = searches
    for one, other in zip(before.cells, after.cells):
        for a, b in zip(one.preprocess, other.preprocess):
            for x, y in zip(a.get_weights(), b.get_weights(), strict=True):
                np.testing.assert_array_equal(x, y)
    for name in ("stem_conv", "stem_norm", "classifier"):
        pair = (getattr(each, name).get_weights() for each in (before, after))
        for x, y in zip(*pair, strict=True):
            np.testing.assert_array_equal(x, y)


def test_without_more_channels_the_supernet_stays_the_same():
    space = tfdarts.CNNSearchSpace(1, PRIMITIVES)
    before, after = (search_of(space, 4, seed) for seed in (0, 1))
    scramble(before.supernet)
    x = image(2, 4, 4, 1).astype("float32")
    assert np.abs(before.supernet(x) - after.supernet(x)).max() > 0.01
    widen(before, after)
    np.testing.assert_allclose(after.supernet(x), before.supernet(x), atol=1e-5)


def test_the_weights_of_one_edge_are_assigned():
    layer = tfdarts.MixedOp(3, 4, primitives=("sep_conv_3x3",))
    layer.build((None, 4, 4, 4), (3, 1))
    before = [
        layer.operation_of(edge, "sep_conv_3x3").get_weights()
        for edge in range(3)
    ]
    (bundle,) = layer.operations
    given = [np.full_like(array, 7.0) for array in before[1]]
    assign_edge(bundle, places_of_edges(bundle)[1], given)
    for edge in range(3):
        found = layer.operation_of(edge, "sep_conv_3x3").get_weights()
        for x, y in zip(found, given if edge == 1 else before[edge]):
            np.testing.assert_array_equal(x, y)
