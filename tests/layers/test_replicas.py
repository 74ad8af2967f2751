"""Sums over replicas, and what each of them computes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfdarts
from tfdarts.layers.batch_norm import BatchNorm
from tfdarts.layers.batch_norm import batch_norms
from tfdarts.layers.drop_path import DropPath
from tfdarts.layers.dropout import SpatialDropout1D
from tfdarts.layers.mixed_op import MixedOp
from tfdarts.layers.normalized import normalized
from tfdarts.layers.recurrent_cell import RecurrentCell
from tfdarts.layers.replicas import mean_over_replicas
from tfdarts.layers.replicas import num_replicas
from tfdarts.layers.replicas import sum_over_replicas
from tfdarts.training.devices import Replicas


@pytest.fixture(scope="module")
def two():
    return Replicas(["CPU:0", "CPU:1"])


def test_sums_of_all_shapes_travel_as_one_vector(two):
    def sums(x):
        assert num_replicas() == 2
        return sum_over_replicas({"a": x, "b": [tf.reduce_sum(x)]})

    compiled = two.compiled(sums)
    shares = two.shares(tf.constant([[1.0, 2.0], [10.0, 20.0]]))
    for result in two.run(compiled, shares):
        assert result["a"].numpy().tolist() == [[11.0, 22.0]]
        assert float(result["b"][0]) == 33.0
    graph = compiled.get_concrete_function(tf.TensorSpec((1, 2))).graph
    kinds = [operation.type for operation in graph.get_operations()]
    assert kinds.count("CollectiveReduceV2") == 1


@pytest.mark.parametrize("length", [1, 4, 7])
def test_sums_in_a_loop_can_be_differentiated_twice(two, length):
    """The loop of a recurrent cell, against one device."""
    values = np.random.default_rng(0).normal(size=8)

    def loss(x, steps, mean):
        def step(i, x):
            return i + 1, tf.tanh(1.1 * x - mean(x))

        _, x = tf.while_loop(lambda i, x: i < steps, step, (0, x))
        return tf.reduce_sum(tf.square(x) * (1 + x))

    def derivatives(x, steps, mean, total):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                value = loss(x, steps, mean)
            gradient = inner.gradient(value, x)
            square = tf.reduce_sum(gradient**3)
        return total(value), gradient, outer.gradient(square, x)

    def shared(x, steps):
        mean = lambda x: mean_over_replicas(tf.reduce_mean(x))  # noqa: E731
        return derivatives(x, steps, mean, sum_over_replicas)

    steps = tf.constant(length)
    compiled = two.compiled(shared)
    results = two.run(
        lambda x: compiled(x, steps), two.shares(tf.constant(values))
    )
    expected = derivatives(
        tf.constant(values), steps, tf.reduce_mean, lambda value: value
    )
    np.testing.assert_allclose(results[0][0], expected[0], rtol=1e-12)
    for k in (1, 2):
        found = np.concatenate([result[k] for result in results])
        np.testing.assert_allclose(found, expected[k], rtol=1e-10, atol=1e-14)


def test_calls_one_after_the_other_do_not_meet(two):
    compiled = two.compiled(sum_over_replicas)

    def many(x):
        return [compiled(x + k) for k in range(50)]

    for results in two.run(many, two.shares(tf.constant([1.0, 2.0]))):
        assert [float(r[0]) for r in results] == [
            3.0 + 2 * k for k in range(50)
        ]


def test_moments_are_those_of_the_whole_batch(two):
    """Also far from the guess, and of channels that are constant."""
    whole = np.random.default_rng(0).normal(size=(6, 4, 3))
    whole = whole * [1.0, 5.0, 0.0] + [0.0, 20.0, 7.0]
    guess = tf.constant([0.1, 15.0, 0.0], tf.float64)
    compiled = two.compiled(
        lambda x: normalized([x], [0, 1], [guess], [1e-5])[0]
    )
    for _, mean, variance, count in two.run(
        compiled, two.shares(tf.constant(whole))
    ):
        np.testing.assert_allclose(mean, whole.mean((0, 1)), rtol=1e-12)
        np.testing.assert_allclose(
            variance, whole.var((0, 1)), rtol=1e-12, atol=1e-12
        )
        assert float(count) == 24


def test_a_batch_norm_meets_once_forth_and_once_back(two):
    layer = BatchNorm(affine=False, dtype="float64")
    layer.build((None, 2, 2, 3))

    def step(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(layer(x, training=True) ** 3)
        return tape.gradient(loss, x)

    compiled = two.compiled(step)
    spec = tf.TensorSpec((4, 2, 2, 3), tf.float64)
    graph = compiled.get_concrete_function(spec).graph
    kinds = [operation.type for operation in graph.get_operations()]
    assert kinds.count("CollectiveReduceV2") == 2


def sums_of_step(two, layer):
    """How often replicas meet in a step of a layer, forth and back."""

    def step(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(layer(x, training=True) ** 3)
        return tape.gradient(loss, [x, *layer.trainable_variables])

    spec = tf.TensorSpec((4, 6, 6, 3), tf.float64)
    graph = two.compiled(step).get_concrete_function(spec).graph
    kinds = [operation.type for operation in graph.get_operations()]
    return kinds.count("CollectiveReduceV2")


@pytest.mark.parametrize("strides", [1, 2])
def test_operations_of_a_node_meet_together(two, strides):
    """Each has one batch norm, separable convolutions have another."""
    layer = MixedOp(2, 3, strides, dtype="float64")
    layer.build((None, 6, 6, 3))
    assert sums_of_step(two, layer) == 2 + 2


def test_batch_norms_side_by_side_are_each_what_it_is(two):
    """With scales, affine or not, of other epsilon, frozen."""
    random = np.random.default_rng(0)
    layers = [
        BatchNorm(dtype="float64", **settings)
        for settings in ({"affine": False}, {"epsilon": 0.1}, {"affine": False})
    ]
    for layer in layers:
        layer.build((None, 2, 2, 3))
    scale, gamma, beta = random.normal(size=(3, 3))
    layers[1].gamma.assign(gamma)
    layers[1].beta.assign(beta)
    batch = [random.normal(k, 2.0, (4, 2, 2, 3)) for k in range(3)]

    def apply(*inputs):
        scales = [tf.constant(scale), None, None]
        # Replicas move no statistics.
        with keras.StatelessScope():
            return batch_norms([*zip(layers, inputs, scales)], True)

    def whole():
        apply_on_each = two.compiled(apply)
        shares = two.shares([*map(tf.constant, batch)])
        results = two.run(lambda share: apply_on_each(*share), shares)
        return [np.concatenate(each) for each in zip(*results)]

    def normal(values, epsilon=1e-5):
        mean, variance = values.mean((0, 1, 2)), values.var((0, 1, 2))
        return (values - mean) / np.sqrt(variance + epsilon)

    expected = [
        normal(batch[0]) * scale,
        normal(batch[1], 0.1) * gamma + beta,
        normal(batch[2]),
    ]
    for found, each in zip(whole(), expected, strict=True):
        np.testing.assert_allclose(found, each, atol=1e-12)
    layers[2].trainable = False
    expected[2] = batch[2] / np.sqrt(1 + 1e-5)
    for found, each in zip(whole(), expected, strict=True):
        np.testing.assert_allclose(found, each, atol=1e-12)


def recurrent_cell():
    genotype = tfdarts.genotypes.get("ENAS", space="rnn")
    return RecurrentCell(
        genotype, 5, dropout=0.4, recurrent_dropout=0.3, seed=3
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: SpatialDropout1D(0.4, seed=3),
        lambda: DropPath(seed=3),
        lambda: keras.layers.RNN(recurrent_cell(), return_sequences=True),
    ],
    ids=["spatial_dropout", "drop_path", "recurrent_cell"],
)
def test_what_is_left_out_is_what_one_device_leaves_out(two, make):
    alone, shared = make(), make()
    shape = (6, 1, 1, 5) if isinstance(alone, DropPath) else (6, 4, 5)
    x = tf.constant(np.random.default_rng(0).uniform(1, 2, shape), tf.float32)
    for layer in (alone, shared):
        if isinstance(layer, DropPath):
            layer.rate.assign(0.5)
        layer.build(shape)
    if not isinstance(alone, DropPath):
        shared.set_weights(alone.get_weights())
    compiled = two.compiled(
        lambda x: shared.stateless_call(
            [v.value for v in shared.trainable_variables],
            [v.value for v in shared.non_trainable_variables],
            x,
            training=True,
        )[0]
    )
    outputs = np.concatenate(two.run(compiled, two.shares(x)))
    expected = alone(x, training=True)
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-7)
