"""What is measured is the network, in time."""

import time

import keras
import tensorflow as tf

from tfdarts.tasks.latency import REPEATS
from tfdarts.tasks.latency import measure_latency


class Slow(keras.layers.Layer):
    """Takes 20 ms a call, whatever the batch."""

    def call(self, inputs):
        def wait(x):
            calls.append(len(x))
            time.sleep(0.02)
            return x

        outputs = tf.numpy_function(wait, [inputs], tf.float32)
        return tf.ensure_shape(outputs, inputs.shape)


calls = []


def test_time_of_one_image_and_of_batches():
    images = keras.Input((4, 4, 1))
    network = keras.Model(images, Slow()(images))
    calls.clear()
    figures = measure_latency(network, batch_size=8)
    assert calls == [1] * (REPEATS + 1) + [8] * (REPEATS + 1)
    # It cannot be faster than that; how much slower is the machine's affair.
    assert 20 <= figures["milliseconds_per_image"]
    assert 0 < figures["images_per_second"] <= 8 / 0.02
    assert figures["device"] in ("CPU", "GPU")
