"""Mixed operations that leave out what edges do not have any more."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from samples import image
from samples import scramble

from tfdarts.layers.drop_path_mixed_op import DropPathMixedOp
from tfdarts.layers.edge_subset import belongs_to_edges
from tfdarts.layers.mixed_op import MixedOp
from tfdarts.layers.partial_mixed_op import PartialMixedOp
from tfdarts.layers.separate_mixed_op import SeparateMixedOp
from tfdarts.layers.skip_dropout import SkipDropoutMixedOp

PRIMITIVES = (
    *("none", "skip_connect", "max_pool_3x3", "sep_conv_3x3"),
    *("dil_conv_3x3", "conv_7x1_1x7"),
)
EDGES, FILTERS = 3, 4
ALLOWED = np.array(
    # A decided edge, a cut one, and one that still has all.
    [[False] * 3 + [True] + [False] * 2, [False] * 6, [True] * 6]
)
LEFT = ALLOWED & [True, True, False, True, True, True]


def outcome(mixed_op, inputs, weights, training):
    """Outputs, gradients and moved statistics."""
    inputs, weights = tf.constant(inputs), tf.constant(weights)
    with tf.GradientTape() as tape:
        tape.watch([inputs, weights])
        outputs = mixed_op(inputs, weights, training=training)
        loss = tf.reduce_sum(outputs * tf.cos(outputs))
    sources = [inputs, weights, *mixed_op.trainable_variables]
    gradients = tape.gradient(
        loss,
        [getattr(each, "value", each) for each in sources],
        unconnected_gradients="zero",
    )
    return outputs, gradients


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("allowed", [ALLOWED, LEFT, np.zeros((3, 6), bool)])
def test_what_is_left_out_had_no_part(allowed, strides, training):
    mixed_op = MixedOp(
        EDGES, FILTERS, strides, primitives=PRIMITIVES, dtype="float64"
    )
    inputs = image(3, 6, 6, FILTERS)
    weights = np.random.default_rng(2).uniform(0.1, 1, allowed.shape) * allowed
    mixed_op(inputs, weights)
    scramble(mixed_op)
    start = mixed_op.get_weights()
    outputs, gradients = outcome(mixed_op, inputs, weights, training)
    moved = mixed_op.get_weights()
    mixed_op.set_weights(start)
    mixed_op.compute_only(allowed)
    same, others = outcome(mixed_op, inputs, weights, training)
    np.testing.assert_allclose(same, outputs, atol=1e-12)
    for one, other in zip(others, gradients, strict=True):
        if one.shape == weights.shape:  # Left out, they have no gradient.
            one, other = one[allowed], other[allowed]
        np.testing.assert_allclose(one, other, atol=1e-11)
    # The statistics of what is computed move in the same way.
    for before, one, other in zip(start, mixed_op.get_weights(), moved):
        stays = one == before
        np.testing.assert_allclose(one[~stays], other[~stays], atol=1e-12)
    moves = any(
        (one != before).any()
        for one, before in zip(mixed_op.get_weights(), start)
    )
    assert moves == (training and allowed.any())
    mixed_op.compute_only(np.ones_like(allowed))
    mixed_op.set_weights(start)
    again, _ = outcome(mixed_op, inputs, weights, training)
    np.testing.assert_array_equal(again, outputs)


@pytest.mark.parametrize(
    "kind",
    [
        functools.partial(PartialMixedOp, channel_parts=2),
        DropPathMixedOp,
        SkipDropoutMixedOp,
        functools.partial(
            SeparateMixedOp, MixedOp, LEFT | [False, True, *[False] * 4]
        ),
    ],
)
def test_all_kinds_leave_out(kind):
    mixed_op = kind(EDGES, FILTERS, primitives=PRIMITIVES, dtype="float64")
    mixed_op.build((None, 6, 6, FILTERS), LEFT.shape)
    scramble(mixed_op)
    inputs = image(3, 6, 6, FILTERS)
    weights = np.random.default_rng(2).uniform(0.1, 1, LEFT.shape) * LEFT
    outputs = mixed_op(inputs, weights)
    operations = number_of_operations(mixed_op)
    mixed_op.compute_only(LEFT)
    np.testing.assert_allclose(mixed_op(inputs, weights), outputs, atol=1e-12)
    mixed_op.compute_only(ALLOWED[[0, 0, 0]])
    assert number_of_operations(mixed_op) < operations


def number_of_operations(mixed_op):
    function = tf.function(mixed_op.call, autograph=False)
    specs = [
        tf.TensorSpec(shape, "float64")
        for shape in ((3, 6, 6, FILTERS), LEFT.shape)
    ]
    graph = function.get_concrete_function(*specs).graph
    return len(graph.get_operations())


def test_a_rate_of_dropout_belongs_to_no_edge():
    mixed_op = SkipDropoutMixedOp(EDGES, FILTERS, primitives=PRIMITIVES)
    mixed_op.build((None, 6, 6, FILTERS), LEFT.shape)
    found = [
        *map(belongs_to_edges, [mixed_op.operations[n] for n in (1, 3, 4, 5)])
    ]
    assert found == [False, True, True, True]
