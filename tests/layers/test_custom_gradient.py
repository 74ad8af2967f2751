"""Graphs with gradients of their own are freed, as other graphs are."""

import gc
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfdarts
from tfdarts.layers.custom_gradient import call_with_gradient
from tfdarts.layers.custom_gradient import custom_gradient


@custom_gradient
def triple_backward(x, y):
    return (x * y, y), lambda first, second: (3 * first * y, 3 * second)


def test_a_graph_has_the_gradient_and_is_freed():
    @tf.function
    def slopes(x, y):
        with tf.GradientTape() as tape:
            tape.watch([x, y])
            product, same = triple_backward(x, y)
        return tape.gradient([product, same], [x, y])

    @tf.function
    def through_a_function(x, y):
        return sum(triple_backward(x, y))

    x, y = tf.constant(5.0), tf.constant(7.0)
    assert [*map(float, slopes(x, y))] == [21.0, 3.0]
    with tf.GradientTape() as tape:
        tape.watch([x, y])
        total = through_a_function(x, y)
    assert [*map(float, tape.gradient(total, [x, y]))] == [21.0, 3.0]
    graphs = [
        weakref.ref(function.get_concrete_function(x, y).graph)
        for function in (slopes, through_a_function)
    ]
    del slopes, through_a_function, tape, total
    gc.collect()
    assert [graph() for graph in graphs] == [None, None]


def test_the_graph_of_a_search_is_freed():
    supernet = tfdarts.CNNSupernet(
        *(2, 3, 2, (6, 6, 1), 1),
        primitives=["dil_conv_5x5"],
        recompute=True,
    )
    search = tfdarts.DARTS(supernet, order=1)
    search.compile(
        tfdarts.SGD(0.1, clip_norm=5.0),
        tfdarts.Adam(0.1),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    batch = tf.zeros((2, 6, 6, 1)), tf.zeros(2, tf.int64)
    search.train_step((batch, batch))
    loss = search._compiled_loss
    graph = weakref.ref(
        loss.gradients.graph((*loss.values(), tf.zeros(())), batch)
    )
    assert graph() is not None
    del supernet, search, loss
    gc.collect()
    assert graph() is None


def product(x, y):
    """x y, with three times its gradient."""

    def gradient(upstream):
        return [lambda: 3 * upstream * y, lambda: 3 * upstream * x]

    return call_with_gradient(tf.multiply, gradient, x, y)


@pytest.mark.parametrize("compile", [lambda function: function, tf.function])
def test_a_tape_uses_the_gradient(compile):
    x, y = tf.constant(2.0), tf.constant(5.0)

    @compile
    def derivatives(x, y):
        with tf.GradientTape() as outer:
            outer.watch(y)
            with tf.GradientTape() as inner:
                inner.watch([x, y])
                z = product(x, y)
            of_x, of_y = inner.gradient(z, [x, y])
        return of_x, of_y, outer.gradient(of_x, y)

    np.testing.assert_array_equal(derivatives(x, y), [15, 6, 3])


def test_without_a_tape_the_gradient_is_that_of_the_function():
    @tf.function
    def compiled(x):
        return product(x, tf.constant(5.0))

    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        z = compiled(x)
    assert tape.gradient(z, x) == 5


def test_gradients_that_no_tape_needs_are_not_computed():
    @tf.function
    def of_x(x, y):
        with tf.GradientTape() as tape:
            tape.watch(x)
            z = product(x, y)
        return tape.gradient(z, x)

    graph = of_x.get_concrete_function(*[tf.TensorSpec([])] * 2).graph
    kinds = [operation.type for operation in graph.get_operations()]
    assert kinds.count("Mul") == 3
