"""One graph for all lengths, and the same sums in every process."""

import gc
import weakref

import numpy as np
import tensorflow as tf

from tfdarts.models.variable_length import VariableLengthFunction

OPTION = "arithmetic_optimization"


def test_lengths_share_a_graph_and_rows_do_not():
    seen = []

    def function(weights, tokens, state):
        seen.append((tokens.shape, [s.shape for s in state]))
        return weights * tf.cast(tf.reduce_sum(tokens), weights.dtype)

    double = VariableLengthFunction(function)
    weights = tf.Variable([2.0, 3.0])
    for rows, length in ((4, 7), (4, 2), (5, 2), (4, 9)):
        tokens = tf.ones((rows, length), tf.int64)
        result = double(weights, tokens, [tf.zeros((rows, 3))])
        np.testing.assert_array_equal(
            result, [2 * rows * length, 3 * rows * length]
        )
    assert [(shape[0], shape[1]) for shape, _ in seen] == [(4, None), (5, None)]
    assert [states[0] for _, states in seen] == [(4, 3), (5, 3)]


def test_no_argument_is_kept():
    def function(tokens, states):
        return tokens

    called = VariableLengthFunction(function)
    states = [tf.zeros((2, 5))]
    alive = weakref.ref(states[0])
    called(tf.ones((2, 3), tf.int32), states)
    del states
    gc.collect()
    assert alive() is None


def test_arithmetic_is_rewritten_everywhere_else(monkeypatch):
    during = []
    options = tf.config.optimizer

    def function(tokens):
        return tokens

    called = VariableLengthFunction(function)
    inner = called.function

    class Noting:
        get_concrete_function = inner.get_concrete_function

        def __call__(self, *arguments):
            during.append(options.get_experimental_options()[OPTION])
            return inner(*arguments)

    called.function = Noting()
    called(tf.ones((2, 3), tf.int32))
    assert during == [False]
    assert options.get_experimental_options()[OPTION] is True
