"""Drop path on the edges of a mixed operation."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from samples import image

import tfdarts
from tfdarts.layers.auxiliary_skip import AuxiliarySkipMixedOp
from tfdarts.layers.drop_path import DropPath
from tfdarts.layers.drop_path_mixed_op import DropPathMixedOp
from tfdarts.layers.mixed_op import mixed_op_config
from tfdarts.layers.nested import nested_layers
from tfdarts.layers.partial_mixed_op import PartialMixedOp
from tfdarts.strategies.gradient import gradient_parts
from tfdarts.strategies.strategy_registry import get_strategy

FEW = ("none", "skip_connect", "max_pool_3x3")
PARTIAL = functools.partial(PartialMixedOp, channel_parts=2)


@pytest.mark.parametrize("of", [PARTIAL, AuxiliarySkipMixedOp])
def test_each_edge_of_each_example_is_whole_or_left_out(of):
    layer = DropPathMixedOp(
        *(3, 4), primitives=FEW, mixed_op=of, dtype="float64"
    )
    x = tf.constant(image(400, 2, 2, 4))
    weights = tf.constant(np.abs(image(3, 3)))
    whole = layer(x, weights, training=True)
    np.testing.assert_allclose(
        whole, layer.mixed_op(x, weights, training=True), rtol=1e-12
    )
    layer.drop_path.rate.assign(0.25)
    found = layer(x, weights, training=True)
    quotients = (found / whole).numpy().reshape(400, 4, 3, 4)
    quotients = quotients.transpose(0, 2, 1, 3).reshape(400, 3, -1)
    np.testing.assert_allclose(
        quotients, np.broadcast_to(quotients[..., :1], quotients.shape)
    )
    kept = quotients[..., 0] > 0
    np.testing.assert_allclose(quotients[kept], 1 / 0.75)
    # 1,200 draws, four deviations; and edges are dropped apart.
    assert abs(kept.mean() - 0.75) < 4 * np.sqrt(0.75 * 0.25 / 1200)
    together = (kept[:, 0] & kept[:, 1]).mean()
    assert abs(together - 0.75**2) < 4 * np.sqrt(0.25 / 400)
    np.testing.assert_array_equal(
        layer(x, weights), layer.mixed_op(x, weights, training=False)
    )


def test_a_supernet_is_saved_with_it_and_recomputes_the_same(tmp_path):
    def supernet(recompute):
        keras.utils.set_random_seed(0)
        built = tfdarts.CNNSupernet(
            *(4, 3, 3, (4, 4, 1)),
            num_nodes=1,
            mixed_op=functools.partial(
                DropPathMixedOp, mixed_op=mixed_op_config(PARTIAL)
            ),
            primitives=FEW,
            recompute=recompute,
            dtype="float64",
        )
        for each in nested_layers(built):
            if isinstance(each, DropPath):
                each.rate.assign(0.5)
        return built

    x = tf.constant(image(8, 4, 4, 1))
    gradients = []
    for recompute in (False, True):
        model = supernet(recompute)
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(tf.sin(model(x, training=True)))
        gradients.append(tape.gradient(value, model.trainable_variables))
    for one, other in zip(*gradients):
        np.testing.assert_allclose(one, other, atol=1e-12)
    model.save(tmp_path / "supernet.keras")
    loaded = keras.models.load_model(tmp_path / "supernet.keras")
    np.testing.assert_array_equal(loaded(x), model(x))


def test_the_rate_grows_with_the_epochs():
    config = tfdarts.search_config(
        "darts", search_drop_path=0.2, mixed_op="partial", num_nodes=1
    )
    strategy = get_strategy("darts")
    supernet = tfdarts.CNNSupernet(
        *(8, 3, 3, (4, 4, 1)),
        num_nodes=1,
        primitives=FEW,
        **gradient_parts.supernet_arguments(strategy, config),
    )
    search = tfdarts.DARTS(supernet, order=1)
    callbacks = gradient_parts.callbacks(strategy, config, search)
    # One for each of the two nodes that edges leave, in three cells.
    assert len(callbacks) == 6
    layers = [e for e in nested_layers(supernet) if isinstance(e, DropPath)]
    for epoch, rate in enumerate((0.0, 0.1, 0.2)):
        for each in callbacks:
            each.set_params({"epochs": 3})
            each.on_epoch_begin(epoch)
        np.testing.assert_allclose([e.rate.numpy() for e in layers], rate)
