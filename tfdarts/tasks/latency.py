"""Latency and throughput of a network on this machine."""

import importlib.util
import statistics
import time

import numpy as np
import tensorflow as tf

from tfdarts.serving.classifier import classifier
from tfdarts.serving.formats import convert
from tfdarts.stderr import quiet_stderr

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

    def seconds(batch):
        images = _random_images(batch, network)
        return median_seconds(lambda: answer(images).numpy())

    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    return {
        "milliseconds_per_image": 1000 * seconds(1),
        "images_per_second": batch_size / seconds(batch_size),
        "device": kind,
    }


def median_seconds(call):
    """Returns the median time of 20 calls, after one that is not timed.

    Args:
        call: Function without arguments.
    """
    call()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def has_litert():
    """Returns whether LiteRT, the extra `litert`, is installed."""
    return importlib.util.find_spec("ai_edge_litert") is not None


def litert_milliseconds(network):
    """Returns the latency of a network in LiteRT, for one image.

    LiteRT uses one core. The time includes the preprocessing of pixels and
    the softmax, as in an export.

    Args:
        network: Keras model from images of one size to logits.

    Raises:
        ImportError: Without the extra `litert`.
    """
    from ai_edge_litert import interpreter

    content = convert(classifier(network), "litert")
    images = _random_images(1, network).numpy()
    with quiet_stderr():
        loaded = interpreter.Interpreter(model_content=content)
        run = loaded.get_signature_runner()
        return 1000 * median_seconds(lambda: run(images=images))


def _random_images(batch, network):
    shape = (batch, *network.input_shape[1:])
    values = np.random.default_rng(0).normal(size=shape)
    return tf.constant(values, tf.float32)
