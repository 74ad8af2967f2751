"""How many operations graphs have, so that nobody adds a thousand unseen.

Operations cost time to build, to optimize and to start, however small they
are. The bounds are a few percent above the counts of TensorFlow 2.21.
"""

import keras
import tensorflow as tf

import tfdarts
from tfdarts.layers.chosen_mixed_op import ChosenMixedOp
from tfdarts.strategies import phase

TINY = {"init_channels": 2, "num_cells": 3, "num_classes": 3, "num_nodes": 1}
TINY |= {"input_shape": (4, 4, 1), "primitives": ("skip_connect",)}


def compiled(supernet):
    search = tfdarts.DARTS(supernet)
    search.compile(
        tfdarts.SGD(0.025, momentum=0.9, l2=3e-4, clip_norm=5.0),
        tfdarts.Adam(3e-4, l2=1e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return search


def operations(search, batch):
    """Operations of both gradient functions of a second-order step."""
    loss = search._compiled_loss
    values = loss.values()
    penalty = tf.zeros((), values.weights.dtype)
    return sum(
        len(function.graph((*values, penalty), batch).get_operations())
        for function in (loss.gradients, loss.alpha_gradients)
    )


def test_a_convolutional_search():
    supernet = tfdarts.CNNSupernet(
        init_channels=8, num_cells=5, num_classes=10, input_shape=(28, 28, 3)
    )
    batch = tf.zeros((32, 28, 28, 3)), tf.zeros(32, tf.int64)
    assert operations(compiled(supernet), batch) < 10_900


def test_a_recurrent_search():
    supernet = tfdarts.RNNSupernet(vocabulary_size=100, units=8, num_nodes=4)
    words = tf.zeros((2, 5), tf.int64)
    assert operations(compiled(supernet), (words, words)) < 1_850


def test_a_network():
    network = tfdarts.CNNNetwork(
        "DARTS_V2", 8, 5, num_classes=10, input_shape=(28, 28, 3)
    )

    @tf.function
    def gradients(images):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(network(images, training=True))
        return tape.gradient(loss, network.trainable_variables)

    graph = gradients.get_concrete_function(tf.TensorSpec((32, 28, 28, 3)))
    assert len(graph.graph.get_operations()) < 1_750


def test_a_search_runs_the_graph_of_which_the_memory_was_counted():
    search = compiled(tfdarts.CNNSupernet(**TINY))
    batch = tf.zeros((2, 4, 4, 1)), tf.zeros(2, tf.int64)
    specs = [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in batch]
    search.gradient_graph(tuple(specs))
    search.train_step((batch, batch))
    traced = search._compiled_loss.gradients._compute
    assert traced.experimental_get_tracing_count() == 1


def test_graphs_with_branches_keep_the_graph_optimizer(monkeypatch):
    """Without it, a search of chosen operations took 1.8 times the memory."""
    contexts = []

    class Context:
        def __enter__(self):
            contexts.append(self)

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(phase, "graph_as_traced", Context)
    for mixed_op, count in ((tfdarts.MixedOp, 1), (ChosenMixedOp, 0)):
        supernet = tfdarts.CNNSupernet(**TINY, mixed_op=mixed_op)
        loss = compiled(supernet)._compiled_loss
        batch = tf.zeros((2, 4, 4, 1)), tf.zeros(2, tf.int64)
        loss.gradients((*loss.values(), 0.0), [batch])
        assert len(contexts) == count
        contexts.clear()
