"""Graphs with gradients of their own are freed, as other graphs are."""

import gc
import weakref

import keras
import tensorflow as tf

import tfdarts
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
