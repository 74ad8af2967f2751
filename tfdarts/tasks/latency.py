"""Latency and throughput of a network on this machine."""

import statistics
import time

import numpy as np
import tensorflow as tf

REPEATS = 20


def measure_latency(network, batch_size):
    """Measures the latency and throughput of a network.

    The images are random. The first call of each size is not timed, because
    it builds the graph.

    Args:
        network: Keras model for images of one size.
        batch_size: Integer.

    Returns:
        A dict: `milliseconds_per_image`, the median of 20 calls with one
        image, `images_per_second` in batches of `batch_size`, from the median
        of 20 calls, and `device`.
    """
    answer = tf.function(
        lambda images: network(images, training=False), jit_compile=False
    )
    random = np.random.default_rng(0)

    def seconds(batch):
        shape = (batch, *network.input_shape[1:])
        images = tf.constant(random.normal(size=shape), tf.float32)
        answer(images).numpy()
        times = []
        for _ in range(REPEATS):
            start = time.perf_counter()
            answer(images).numpy()
            times.append(time.perf_counter() - start)
        return statistics.median(times)

    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    return {
        "milliseconds_per_image": 1000 * seconds(1),
        "images_per_second": batch_size / seconds(batch_size),
        "device": kind,
    }
