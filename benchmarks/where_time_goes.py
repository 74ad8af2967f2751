"""Where the time of a step of the search goes, and how far it could fall.

    python benchmarks/where_time_goes.py --setting=S

It prints the time that each kind of operation takes, by TensorFlow's own
profiler, and beside the step the least that its arithmetic and its memory
traffic would take on this machine: both are counted in the graphs, and
divided by what one large matrix product and one sum of large tensors reach.
"""

import argparse
import collections
import math
import pathlib
import statistics
import tempfile
import time

import search_step
import tensorflow as tf
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from tfdarts.training.memory import bytes_of

PASSES = {"gradients": 3, "alpha_gradients": 2}
"""How often a step of second order runs each of the large graphs."""

FREE = {"Const", "Identity", "Placeholder", "ReadVariableOp", "Reshape", "NoOp"}


def seconds(function, repeats):
    """The median time of a call."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def peak_arithmetic():
    """Operations a second of a large matrix product."""
    size = 2048
    matrix = tf.random.normal((size, size))
    return 2 * size**3 / seconds(lambda: (matrix @ matrix).numpy(), 5)


def peak_traffic(bytes_of_a_tensor):
    """Bytes a second of a sum: two tensors read, one written."""
    tensor = tf.random.normal((bytes_of_a_tensor // 4,))
    return 3 * bytes_of_a_tensor / seconds(lambda: tensor + tensor, 9)


def arithmetic_of(operation):
    """Multiplications and additions of a convolution."""
    kind = operation.type.removesuffix("BackpropInput")
    kind = kind.removesuffix("BackpropFilter")
    if kind not in ("Conv2D", "DepthwiseConv2dNative"):
        return 0
    inputs, outputs = operation.inputs, operation.outputs[0]
    if operation.type.endswith("BackpropInput"):
        kernel, images = inputs[1], inputs[2]
    elif operation.type.endswith("BackpropFilter"):
        kernel, images = outputs, inputs[2]
    else:
        kernel, images = inputs[1], outputs
    pixels = math.prod(images.shape[:3])
    return 2 * pixels * math.prod(kernel.shape)


def count_work(search, batch):
    """Arithmetic and bytes of a step, out of its graphs."""
    loss = search._compiled_loss
    values = loss.values()
    penalty = tf.zeros((), values.weights.dtype)
    arithmetic = traffic = 0
    for name, passes in PASSES.items():
        graph = getattr(loss, name).graph((*values, penalty), batch)
        for operation in graph.get_operations():
            if operation.type not in FREE:
                tensors = [*operation.inputs, *operation.outputs]
                traffic += passes * sum(map(bytes_of, tensors))
                arithmetic += passes * arithmetic_of(operation)
    return arithmetic, traffic


def profile(step, steps):
    """Milliseconds and calls of each kind of operation in a step."""
    with tempfile.TemporaryDirectory() as directory:
        tf.profiler.experimental.start(directory)
        for _ in range(steps):
            step()
        tf.profiler.experimental.stop()
        (path,) = pathlib.Path(directory).rglob("*.xplane.pb")
        space = xplane_pb2.XSpace.FromString(path.read_bytes())
    times, calls = collections.Counter(), collections.Counter()
    for plane in space.planes:
        names = {key: m.name for key, m in plane.event_metadata.items()}
        for event in (event for line in plane.lines for event in line.events):
            node, colon, kind = names[event.metadata_id].rpartition(":")
            # Operations are events "node:kind"; others are of the runtime.
            if colon and not node.startswith(" ") and kind.isidentifier():
                kind = kind.removeprefix("_MklNative").removeprefix("_Mkl")
                times[kind] += event.duration_ps / 1e9 / steps
                calls[kind] += 1 / steps
    for name in ("Process", "Run"):
        times.pop(name, None)
    return times, calls


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--setting", choices=search_step.SETTINGS, default="S")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--most", type=int, default=16, help="rows")
    given = parser.parse_args()
    setting = search_step.SETTINGS[given.setting]
    search = search_step.search_of(setting, 2, "central_difference")
    *_, size, image = setting
    batch = tf.random.normal((size, *image)), tf.zeros(size, tf.int64)

    def step():
        search.train_step((batch, batch))
        search.supernet.network_weights[0].numpy()

    step()
    took = seconds(step, given.steps)
    times, calls = profile(step, given.steps)
    total = sum(times.values())
    print("| operation | ms a step, all threads | share | calls |")
    print("| --- | ---: | ---: | ---: |")
    for kind, milliseconds in times.most_common(given.most):
        print(
            f"| {kind} | {milliseconds:,.0f} | {milliseconds / total:.1%} | "
            f"{calls[kind]:,.0f} |"
        )
    arithmetic, traffic = count_work(search, batch)
    bound = {
        f"{arithmetic / 1e9:,.0f} G operations": arithmetic / peak_arithmetic(),
        f"{traffic / 1e9:,.1f} GB moved, from memory": traffic
        / peak_traffic(2**28),
        "the same, from the cache": traffic / peak_traffic(2**21),
    }
    print(f"\nA step took {took:.2f} s; all operations {total / 1e3:.2f} s.\n")
    for what, least in bound.items():
        print(
            f"- {what}: at least {least:.2f} s, {took / least:.1f} times less."
        )


if __name__ == "__main__":
    main()
