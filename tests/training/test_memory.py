"""What a graph needs is counted before it is run."""

import subprocess
import sys

import pytest
import tensorflow as tf

from tfdarts.training import memory

MB = tf.TensorSpec((250, 1000))  # float32: 1,000,000 bytes


def peak_of(function, *specs):
    graph = tf.function(function).get_concrete_function(*specs).graph
    return memory.peak_bytes(graph) / 1e6


def gradient_of_a_chain(x):
    """Ten sines: the gradient needs the input of each of them."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = x
        for _ in range(10):
            value = tf.sin(value)
    return tape.gradient(value, x)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: x, 1),
        (lambda x: tf.sin(x), 2),
        # The input of each is let go after it.
        (lambda x: tf.sin(tf.sin(tf.sin(x))), 2),
        # x is held until the end.
        (lambda x: tf.sin(tf.sin(tf.sin(x))) + x, 3),
        (lambda x: tf.reshape(tf.sin(tf.identity(x)), [-1]), 2),
        (lambda x: tf.concat([x, x, x], 0), 4),
        (lambda x: tf.cast(x, tf.float64), 3),
        # What nobody uses is not made.
        (lambda x: (tf.concat([x, x, x], 0), x)[1], 1),
    ],
)
def test_peak_is_that_by_hand(function, expected):
    assert peak_of(function, MB) == pytest.approx(expected, abs=1e-3)


def test_a_gradient_holds_what_it_needs():
    assert peak_of(gradient_of_a_chain, MB) == pytest.approx(13, abs=1)


def test_the_peak_grows_with_the_batch():
    small, large = (
        peak_of(gradient_of_a_chain, tf.TensorSpec((n, 1000)))
        for n in (250, 500)
    )
    assert large == pytest.approx(2 * small, rel=1e-3)


MEASURED = """
import tensorflow as tf

import tfdarts
from tfdarts.training.memory import peak_process_bytes, peak_bytes
from tfdarts.training.optimizers import SGD, Adam

supernet = tfdarts.CNNSupernet(8, 3, 10, (32, 32, 3), num_nodes=2)
x, y = tf.zeros((64, 32, 32, 3)), tf.zeros(64, tf.int64)
search = tfdarts.DARTS(supernet, order=1)
search.compile(SGD(0.1), Adam(0.1))
graph = search.gradient_graph((x, y))
before = peak_process_bytes()
loss = search._compiled_loss
weights, alphas, state = loss.values()
loss.objective([(x, y)], state).outputs([weights], alphas)
print(peak_bytes(graph), peak_process_bytes() - before)
"""


@pytest.mark.slow
def test_a_step_takes_at_least_that():
    done = subprocess.run(
        [sys.executable, "-c", MEASURED], stdout=subprocess.PIPE, check=True
    )
    counted, measured = map(int, done.stdout.split())
    assert 0.5 * measured < counted < 1.1 * measured


def test_a_graph_that_is_too_large_is_refused(monkeypatch):
    graph = tf.function(tf.sin).get_concrete_function(MB).graph
    monkeypatch.setattr(memory, "available_bytes", lambda: 2.1e6)
    memory.require_memory(memory.peak_bytes(graph))
    monkeypatch.setattr(memory, "available_bytes", lambda: 1.9e6)
    with pytest.raises(MemoryError, match=r"least 0.00 GB .* only 0.00 GB are"):
        memory.require_memory(memory.peak_bytes(graph))
