"""Partial channels: splitting, bypass and shuffle written out in NumPy."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from samples import image
from test_mixed_op import equation_2

from tfdarts.genotypes import PRIMITIVES
from tfdarts.layers.mixed_op import MixedOp
from tfdarts.layers.mixed_op import as_mixed_op
from tfdarts.layers.mixed_op import mixed_op_config
from tfdarts.layers.partial_mixed_op import PartialMixedOp
from tfdarts.layers.primitives import twice_differentiable
from tfdarts.models.cnn_supernet import CNNSupernet


def bypass(x, strides):
    """2x2 max pooling; at the edge of odd sizes of fewer pixels."""
    if strides == 1:
        return x
    _, height, width, _ = x.shape
    return np.stack(
        [
            np.stack(
                [
                    x[:, row : row + 2, column : column + 2].max(axis=(1, 2))
                    for column in range(0, width, 2)
                ],
                axis=1,
            )
            for row in range(0, height, 2)
        ],
        axis=1,
    )


def shuffled(channels, parts):
    """The channels, a list: the first of each part, then the second, ..."""
    size = len(channels) // parts
    return [
        channels[part * size + position]
        for position in range(size)
        for part in range(parts)
    ]


def by_hand(layer, x, edge_weights):
    size = layer.filters // layer.channel_parts
    outputs = []
    for edge, weights in enumerate(edge_weights):
        inner = MixedOp(1, size, layer.strides, layer.primitives)
        inner.operation_of = lambda _, name: layer.operation_of(edge, name)
        computed = equation_2(inner, x[..., :size], [weights])
        others = weights.sum() * bypass(x[..., size:], layer.strides)
        channels = [*np.moveaxis(np.concatenate([computed, others], -1), -1, 0)]
        outputs += shuffled(channels, layer.channel_parts)
    return np.stack(outputs, axis=-1)


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize(
    ("filters", "channel_parts", "size"),
    [(8, 4, (4, 6)), (12, 4, (5, 3)), (6, 3, (5, 4)), (4, 2, (3, 3))],
)
def test_the_first_channels_are_computed_and_all_are_shuffled(
    filters, channel_parts, size, strides
):
    x = image(2, *size, filters)
    # Rows that do not sum to 1: the bypass has the weight of its edge.
    weights = np.abs(image(3, len(PRIMITIVES)))
    layer = PartialMixedOp(
        *(3, filters, strides), channel_parts=channel_parts, dtype="float64"
    )
    outputs = layer(x, weights, training=True)
    expected = by_hand(layer, x, weights)
    np.testing.assert_allclose(outputs, expected, atol=1e-9)
    assert layer.compute_output_shape(x.shape) == expected.shape


def test_one_hot_weights_choose_the_operation():
    x = image(2, 4, 4, 8)
    layer = PartialMixedOp(1, 8, dtype="float64")
    for position, name in enumerate(PRIMITIVES):
        weights = np.eye(len(PRIMITIVES))[[position]]
        found = layer(x, weights, training=True)
        operation = layer.operation_of(0, name)
        expected = operation(tf.constant(x[..., :2]), training=True)
        np.testing.assert_allclose(found[..., ::4], expected, atol=1e-9)
        np.testing.assert_array_equal(found[..., 1::4], x[..., 2:4])


def test_alone_it_weighs_by_alphas_of_its_own():
    x = image(1, 4, 4, 8)
    layer = PartialMixedOp(1, 8, dtype="float64")
    outputs = layer(x, training=True)
    weights = layer.alphas.edge_weights().numpy()
    np.testing.assert_allclose(outputs, by_hand(layer, x, weights), atol=1e-9)


@pytest.mark.parametrize("strides", [1, 2])
def test_second_derivatives_are_the_numeric_ones(strides):
    """For the second order of DARTS, also through the pooled channels."""
    x = tf.constant(image(2, 5, 4, 4))
    layer = PartialMixedOp(1, 4, strides, channel_parts=2, dtype="float64")
    weights = tf.constant(np.abs(image(1, len(PRIMITIVES))))
    direction = tf.constant(image(*x.shape, seed=2))

    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = tf.reduce_sum(tf.sin(layer(x, weights, training=True)))
        return tf.reduce_sum(direction * tape.gradient(value, x))

    with twice_differentiable(), tf.GradientTape() as tape:
        tape.watch(x)
        value = slope(x)
    found = tf.reduce_sum(direction * tape.gradient(value, x))
    step = 1e-5
    higher, lower = slope(x + step * direction), slope(x - step * direction)
    np.testing.assert_allclose(found, (higher - lower) / (2 * step), rtol=1e-5)


@pytest.mark.parametrize(
    ("filters", "parts", "message"),
    [
        (10, 4, "equal parts of at least 2 channels.*channel_parts=4"),
        (4, 4, "equal parts of at least 2 channels.*filters=4"),
        (4, 1, "`channel_parts` must be at least 2"),
    ],
)
def test_channels_that_cannot_be_split_are_refused(filters, parts, message):
    with pytest.raises(ValueError, match=message):
        PartialMixedOp(1, filters, channel_parts=parts)


def test_wrong_channels_are_refused():
    with pytest.raises(ValueError, match="as many channels.*filters, 8"):
        PartialMixedOp(1, 8)(image(1, 4, 4, 4))


def test_a_supernet_is_saved_with_the_options_of_its_mixed_operation(tmp_path):
    mixed_op = functools.partial(PartialMixedOp, channel_parts=2)
    made = CNNSupernet(
        *(4, 3, 3, (4, 4, 1)),
        num_nodes=1,
        mixed_op=mixed_op,
        edge_normalization=True,
    )
    made.save(tmp_path / "supernet.keras")
    loaded = keras.saving.load_model(tmp_path / "supernet.keras")
    x = image(2, 4, 4, 1).astype("float32")
    np.testing.assert_array_equal(loaded(x), made(x))
    parts = {m.channel_parts for cell in loaded.cells for m in cell.mixed_ops}
    assert parts == {2}
    for one, other in zip(
        loaded.alpha_variables, made.alpha_variables, strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_a_partial_of_a_partial_is_restored():
    config = mixed_op_config(functools.partial(PartialMixedOp, channel_parts=2))
    assert config == {"name": "tfdarts>PartialMixedOp", "channel_parts": 2}
    assert as_mixed_op(config)(1, 4).channel_parts == 2
