"""How a step of the search scales: measured on two devices, foretold for 64.

    python benchmarks/scaling.py --kind=images --rounds=2 --plot=scaling.png

A device is one core here: one device is a process held to a core, two devices
are two logical CPUs of a process with two cores, and two workers are two
processes, each held to a core, that talk over the loopback. Strong scaling
keeps the batch, weak scaling doubles it. Each measurement is a process of its
own, in turn.

What replicas say to each other is counted in the graphs. From that, from the
time of one device and from what a message costs, times for more devices
follow; see `predicted`. Those for up to 64 are of images at the paper's size,
whose graphs are built and not run.
"""

import argparse
import collections
import json
import os
import socket
import statistics
import subprocess
import sys
import time

from search_step import in_turn

BATCH = {"images": 32, "texts": 64}
SIZES = {"S": (8, 5, (28, 28, 3), 32), "paper": (16, 8, (32, 32, 3), 64)}
"""Channels, cells, image and batch."""
WORDS, UNITS, LENGTH = 2_000, 100, 20
FORMS = ("one", "devices", "workers")
# How often a step of second order by central differences calls each phase.
PHASES = {"gradients": 3, "alpha_gradients": 2}
DEVICES = (1, 2, 4, 8, 16, 32, 64)

Network = collections.namedtuple("Network", ["name", "latency", "bandwidth"])
IN_PROCESS, BETWEEN_PROCESSES = 65e-6, 230e-6
"""Seconds that TensorFlow takes for a message, whatever it travels on: half of
a sum of two numbers on two devices, as measured here on CPUs."""
NETWORKS = (
    Network("GPUs of one machine", IN_PROCESS + 5e-6, 50e9),
    Network("100 Gbit/s, RDMA", BETWEEN_PROCESSES + 10e-6, 10e9),
    Network("10 Gbit/s Ethernet", BETWEEN_PROCESSES + 50e-6, 1e9),
)
"""Seconds a message and bytes a second between two neighbours. What is added
to the seconds, and the bytes, are orders of magnitude of NVLink, InfiniBand
and Ethernet, not measured here."""

GPU_STEP = 86_400 / (50 * 390)
"""Seconds: a GPU day for 50 epochs of 390 steps, which the paper reports of its
second order on a GTX 1080 Ti (Liu et al., 2019, table 1)."""


def hold_to(cores):
    """Lets this process compute on these cores only."""
    available = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, [available[core] for core in cores])


def joined(given):
    """Returns the replicas of a form; it starts the second worker."""
    second = None
    if given.measure == "workers":
        if given.index is None:
            addresses = [f"localhost:{port}" for port in free_ports(2)]
            second = subprocess.Popen(
                [sys.executable, *sys.argv, "--index=1"],
                env={**os.environ, "TF_CONFIG": tf_config(addresses, 1)},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            os.environ["TF_CONFIG"] = tf_config(addresses, 0)
        hold_to([given.index or 0])
    if given.measure == "one":
        hold_to([0])

    import tensorflow as tf

    if given.measure == "devices":
        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0],
            [tf.config.LogicalDeviceConfiguration()] * 2,
        )
    from tfdarts.training.distribution import replicas_of

    flags = {"one": "none", "devices": "mirrored", "workers": "multiworker"}
    return replicas_of(flags[given.measure]), second


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("localhost", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def tf_config(addresses, index):
    task = {"type": "worker", "index": index}
    return json.dumps({"cluster": {"worker": addresses}, "task": task})


def search_of(kind, replicas, size="S"):
    """Returns a search of second order, compiled."""
    import keras

    import tfdarts
    from tfdarts.training.optimizers import SGD
    from tfdarts.training.optimizers import Adam

    keras.utils.set_random_seed(0)
    if kind == "images":
        channels, cells, image, _ = SIZES[size]
        supernet = tfdarts.CNNSupernet(channels, cells, 10, image)
        optimizer = SGD(0.025, momentum=0.9, l2=3e-4, clip_norm=5.0)
    else:
        supernet = tfdarts.RNNSupernet(WORDS, UNITS, recurrent_dropout=0.25)
        optimizer = SGD(20.0, momentum=0.0, l2=5e-7, clip_norm=0.25)
    search = tfdarts.DARTS(
        supernet, clip_virtual_step=kind == "texts", replicas=replicas
    )
    search.compile(optimizer, Adam(3e-4, l2=1e-3))
    return search


def examples(kind, batch):
    import numpy as np
    import tensorflow as tf

    random = np.random.default_rng(0)
    if kind == "images":
        image = SIZES["S"][2]
        images = random.normal(size=(batch, *image)).astype("float32")
        return tf.constant(images), tf.constant(random.integers(0, 10, batch))
    tokens = random.integers(0, WORDS, (batch, LENGTH + 1))
    return tf.constant(tokens[:, :-1]), tf.constant(tokens[:, 1:])


def measured(given):
    """Returns the figures of one form, all of it in this process."""
    replicas, second = joined(given)
    search = search_of(given.kind, replicas)
    batch = examples(given.kind, given.batch)

    def seconds_of(function):
        started = time.perf_counter()
        function()
        return time.perf_counter() - started

    def step():
        search.train_step((batch, batch))
        search.supernet.network_weights[0].numpy()

    with Recorder() as recorder:
        first = seconds_of(step)
    times = [seconds_of(step) for _ in range(given.steps)]
    latency, per_byte = cost_of_messages(replicas)
    if second:
        second.wait()
    return {
        "first_step_s": first,
        "step_s": statistics.median(times),
        "latency_s": latency,
        "s_per_byte": per_byte,
        "traffic": recorder.traffic(search) if replicas.count > 1 else None,
    }


def counted(given):
    """Returns the traffic of a search at the paper's size; nothing is run."""
    import tensorflow as tf

    replicas, _ = joined(given)
    search = search_of("images", replicas, "paper")
    *_, image, batch = SIZES["paper"]
    share = batch // replicas.count
    loss = search._compiled_loss
    values = loss.values()
    arguments = (
        *values,
        tf.zeros((), values.weights.dtype),
        tf.TensorSpec((share, *image)),
        tf.TensorSpec((share,), tf.int64),
    )
    with Recorder() as recorder:
        for name in PHASES:
            getattr(loss, name).get_concrete_function(*arguments)
    return {"traffic": recorder.traffic(search)}


def cost_of_messages(replicas):
    """Seconds of a sum of two numbers, and of a byte of a long one."""
    import tensorflow as tf

    if replicas.count == 1:
        return 0.0, 0.0
    total = replicas.compiled(lambda x: [*map(_summed, [x] * SUMS)])

    def seconds(size):
        shares = [tf.ones(size)] * len(replicas.devices)
        times = []
        for _ in range(12):
            started = time.perf_counter()
            replicas.run(total, shares)
            times.append(time.perf_counter() - started)
        return statistics.median(times[2:]) / SUMS

    short, long = seconds(2), seconds(LONG)
    return short, max(long - short, 0.0) / (4 * LONG)


SUMS, LONG = 20, 500_000


def _summed(tensor):
    from tfdarts.layers.replicas import sum_over_replicas

    return sum_over_replicas(tensor)


class Recorder:
    """Notes which sums over replicas a graph has when it is built."""

    def __enter__(self):
        import tensorflow as tf

        self.original = tf.raw_ops.CollectiveReduceV2
        self.sums = collections.defaultdict(list)

        def noting(**arguments):
            graph = tf.compat.v1.get_default_graph()
            depth = 0
            while "while" in graph.name:
                graph, depth = graph.outer_graph, depth + 1
            tensor = arguments["input"]
            size = tensor.shape.num_elements() * tensor.dtype.size
            self.sums[id(graph)].append((size, LENGTH if depth else 1))
            return self.original(**arguments)

        tf.raw_ops.CollectiveReduceV2 = noting
        return self

    def __exit__(self, *error):
        import tensorflow as tf

        tf.raw_ops.CollectiveReduceV2 = self.original

    def traffic(self, search):
        """Returns of each phase its calls, and messages and bytes of a call."""
        loss = search._compiled_loss
        weights, alphas, _ = loss.values()
        of_alphas = sum(a.shape.num_elements() for a in alphas)
        # The vector that is reduced behind each phase: loss, gradients.
        vectors = {
            "gradients": 4 * (2 + len(weights) + of_alphas),
            "alpha_gradients": 4 * (1 + of_alphas),
        }
        found = {}
        for name, calls in PHASES.items():
            function = getattr(loss, name).function
            function = getattr(function, "function", function)
            sums = [
                each
                for concrete in function._list_all_concrete_functions()
                for each in self.sums[id(concrete.graph)]
            ]
            found[name] = {
                "calls": calls,
                "messages": sum(times for _, times in sums),
                "bytes": sum(size * times for size, times in sums),
                "vector_bytes": vectors[name],
            }
        return found


def predicted(devices, seconds, messages, bytes_, latency, bandwidth, weak):
    """Returns the seconds of a step on so many devices.

    A ring of n devices: a sum takes 2 (n - 1) messages one after the other,
    and moves 2 (n - 1) / n of its bytes through each device.

    Args:
        devices: Integer, n.
        seconds: Float, a step of one device.
        messages: Integer, sums of a step, one after the other.
        bytes_: Integer, bytes of all sums of a step.
        latency: Float, seconds of a message.
        bandwidth: Float, bytes a second.
        weak: Boolean, whether the batch grows with the devices.
    """
    work = seconds if weak else seconds / devices
    hops = 2 * (devices - 1)
    return work + hops * (messages * latency + bytes_ / devices / bandwidth)


def totals(traffic):
    """Returns the sums of a step, and their bytes."""
    messages = sum(p["calls"] * (p["messages"] + 1) for p in traffic.values())
    bytes_ = sum(
        p["calls"] * (p["bytes"] + p["vector_bytes"]) for p in traffic.values()
    )
    return messages, bytes_


def report(given, rows, of_paper):
    """Prints what was measured, counted and foretold."""
    one = rows["one", "strong"]
    print("| | batch | first step, s | step, s | speed-up | foretold, s |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    traffic = rows["devices", "strong"]["traffic"]
    messages, bytes_ = totals(traffic)
    for (form, scaling), row in rows.items():
        weak = scaling == "weak"
        speed_up = one["step_s"] / row["step_s"] * (2 if weak else 1)
        foretold = one["step_s"]
        if form != "one":
            # Measured of whole sums of two devices, which are two hops.
            bandwidth = 1 / max(row["s_per_byte"], 1e-15)
            foretold = predicted(
                *(2, one["step_s"], messages, bytes_),
                *(row["latency_s"] / 2, bandwidth, weak),
            )
        print(
            f"| {form}, {scaling} | {(1 + weak) * BATCH[given.kind]} | "
            f"{row['first_step_s']:.1f} | {row['step_s']:.2f} | "
            f"{speed_up:.2f} | {foretold:.2f} |"
        )
    for form in FORMS[1:]:
        row = rows[form, "strong"]
        print(
            f"\n{form}: {1e3 * row['latency_s']:.3f} ms a sum of two numbers, "
            f"{1e-9 / max(row['s_per_byte'], 1e-15):.2f} GB/s of a long one"
        )
    say(traffic)
    if of_paper:
        print("\nAt the paper's size:")
        say(of_paper)
        foretell(*totals(of_paper), given.plot)


def say(traffic):
    """Prints what replicas say to each other in a step."""
    print("\n| phase | calls a step | sums in it, bytes | vector behind it |")
    print("| --- | ---: | ---: | ---: |")
    for name, phase in traffic.items():
        print(
            f"| {name} | {phase['calls']} | {phase['messages']:,}, "
            f"{phase['bytes']:,} | {phase['vector_bytes']:,} |"
        )
    messages, bytes_ = totals(traffic)
    print(f"\nA step: {messages:,} sums, {bytes_ / 1e6:.2f} MB.\n")


def foretell(messages, bytes_, plot):
    """Prints the speed-ups that follow for a GPU's step, and draws them."""
    print("| devices | " + " | ".join(n.name for n in NETWORKS) + " |")
    print("| ---: | " + " | ".join("---:" for _ in NETWORKS) + " |")
    curves = {
        (network.name, weak): [
            GPU_STEP
            * (n if weak else 1)
            / predicted(n, GPU_STEP, messages, bytes_, *network[1:], weak)
            for n in DEVICES
        ]
        for network in NETWORKS
        for weak in (False, True)
    }
    for position, n in enumerate(DEVICES):
        cells = [
            " and ".join(
                f"{curves[network.name, weak][position]:.1f}"
                for weak in (False, True)
            )
            for network in NETWORKS
        ]
        print(f"| {n} | {' | '.join(cells)} |")
    if plot:
        draw(curves, plot)


def draw(curves, path):
    """Draws strong and weak scaling beside each other."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for panel, weak in zip(panels, (False, True)):
        panel.plot(DEVICES, DEVICES, color="#B0BEC5", linestyle=":")
        panel.annotate("ideal", (16, 18), color="#78909C", ha="right")
        for network, color in zip(NETWORKS, ("#00795A", "#0B5FA5", "#BF4D00")):
            values = curves[network.name, weak]
            panel.plot(DEVICES, values, color=color, label=network.name)
        panel.set_xscale("log", base=2)
        panel.set_yscale("log", base=2)
        panel.set_xticks(DEVICES, map(str, DEVICES))
        fractions = [1 / n for n in (8, 4, 2)]
        ticks = [*fractions, *DEVICES]
        panel.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        panel.set_xlabel("devices")
        panel.set_title(
            "the batch grows with the devices" if weak else "the same batch"
        )
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("times as many images a second")
    panels[0].legend(frameon=False)
    figure.suptitle("Foretold: a second-order step of a search, 4.4 s on a GPU")
    figure.savefig(path, dpi=150)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=BATCH, default="images")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--plot", help="where to draw the curves to")
    parser.add_argument(
        "--measure",
        choices=FORMS,
        help="measure in this process; what the others are started with",
    )
    parser.add_argument("--count", action="store_true")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--index", type=int)
    given = parser.parse_args()
    if given.measure:
        work = counted if given.count else measured
        print(json.dumps(work(given)))
        return
    keys = [("one", "strong")] + [
        (form, scaling) for form in FORMS[1:] for scaling in ("strong", "weak")
    ]
    commands = [
        [
            *(sys.executable, *sys.argv, f"--measure={form}"),
            f"--batch={BATCH[given.kind] * (2 if scaling == 'weak' else 1)}",
        ]
        for form, scaling in keys
    ]
    rows = dict(zip(keys, in_turn(commands, given.rounds)))
    of_paper = None
    if given.kind == "images":
        command = [sys.executable, *sys.argv, "--measure=devices", "--count"]
        (row,) = in_turn([command], 1)
        of_paper = row["traffic"]
    report(given, rows, of_paper)


if __name__ == "__main__":
    main()
