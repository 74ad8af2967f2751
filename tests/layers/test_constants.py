"""Equal constants are one operation of a graph, and stay in their graph."""

import numpy as np
import tensorflow as tf

from tfdarts.layers.constants import shared_constant


def constants_in(function):
    graph = function.get_concrete_function().graph
    return sum(op.type == "Const" for op in graph.get_operations())


def test_equal_constants_are_one_operation():
    @tf.function
    def equal():
        values = [shared_constant(np.ones(3), tf.float32) for _ in range(5)]
        return tf.add_n(values)

    np.testing.assert_array_equal(equal(), [5, 5, 5])
    assert constants_in(equal) == 1


def test_value_shape_and_dtype_tell_constants_apart():
    @tf.function
    def different():
        return (
            shared_constant([0.0, 0.0], tf.float32),
            shared_constant([[0.0, 0.0]], tf.float32),
            shared_constant([0, 0], tf.int32),
            shared_constant([0.0, 1.0], tf.float32),
        )

    shapes = [(value.shape.as_list(), value.dtype) for value in different()]
    assert shapes == [
        ([2], tf.float32),
        ([1, 2], tf.float32),
        ([2], tf.int32),
        ([2], tf.float32),
    ]
    assert constants_in(different) == 4


def test_a_constant_of_a_loop_stays_inside_the_loop():
    @tf.function
    def before_inside_and_after(use_before):
        total = tf.zeros(2)
        if use_before:
            total += shared_constant([1.0, 2.0], tf.float32)
        for _ in tf.range(3):
            total += shared_constant([1.0, 2.0], tf.float32)
        return total + shared_constant([1.0, 2.0], tf.float32)

    np.testing.assert_array_equal(before_inside_and_after(False), [4, 8])
    np.testing.assert_array_equal(before_inside_and_after(True), [5, 10])


def test_eager_code_gets_a_plain_tensor():
    constant = shared_constant([1, 2], tf.int32)
    assert constant is not shared_constant([1, 2], tf.int32)
    np.testing.assert_array_equal(constant, [1, 2])
