"""How a step of the search scales: measured on two cores, predicted to 64 GPUs.

    python benchmarks/scaling.py --rounds=3 --out=scaling.json

A device is one core of a CPU here. All forms of `FORMS` are started, then
they compute in turn, so that a busy machine is busy for all: read the ratios.
Strong scaling shares one batch, weak scaling gives each device a batch. Each
round starts new processes, for first steps are measured as well.
"""

import argparse
import collections
import contextlib
import json
import os
import select
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from search_step import SETTINGS

BATCH = {"images": SETTINGS["S"][2], "texts": 64}
WORDS, UNITS, LENGTH = 2_000, 100, 20

Form = collections.namedtuple("Form", ["distribute", "cores"])
FORMS = {
    "single": Form("none", ([0], [1])),
    "both": Form("none", ([0, 1],)),
    "mirrored": Form("mirrored", ([0, 1],)),
    "workers": Form("multiworker", ([0], [1])),
}
"""Of each form, `--distribute` and the cores of each of its processes."""

Row = collections.namedtuple("Row", ["form", "processes", "batches"])
ROWS = {
    "one process, one core": Row("single", 1, 1),
    "two such processes that do not communicate": Row("single", 2, 1),
    "one process, both cores, one device": Row("both", 1, 1),
    "its two logical devices, strong": Row("mirrored", 1, 1),
    "its two logical devices, weak": Row("mirrored", 1, 2),
    "two workers, a core each, strong": Row("workers", 2, 1),
    "two workers, a core each, weak": Row("workers", 2, 2),
}
"""What takes turns: `batches` is how many batches a step of one form has."""
ONE, _, BOTH, MIRRORED, *_ = ROWS

PHASES = {"gradients": 3, "alpha_gradients": 2}
"""How often a second-order step by central differences calls each phase."""

Network = collections.namedtuple("Network", ["name", "latency", "bandwidth"])
NETWORKS = (
    Network("GPUs of one machine", 5e-6, 50e9),
    Network("100 Gbit/s, RDMA", 10e-6, 10e9),
    Network("10 Gbit/s Ethernet", 50e-6, 1e9),
)
"""Seconds a message and bytes a second between two neighbors: orders of
magnitude of NVLink, InfiniBand and Ethernet, not measured here."""

GPU_STEP = 86_400 / (50 * 390)
"""Seconds: a GPU day for 50 epochs of 390 steps, which the paper reports of its
second order on a GTX 1080 Ti (Liu et al., 2019, table 1)."""
DEVICES = (1, 2, 4, 8, 16, 32, 64)


def search_of(kind, distribution=None, setting="S"):
    """Returns a compiled search of second order."""
    import tfdarts

    if kind == "images":
        channels, cells, _, image = SETTINGS[setting]
        supernet = tfdarts.CNNSupernet(channels, cells, 10, image)
        optimizer = tfdarts.SGD(0.025, momentum=0.9, l2=3e-4, clip_norm=5.0)
    else:
        supernet = tfdarts.RNNSupernet(WORDS, UNITS, recurrent_dropout=0.25)
        optimizer = tfdarts.SGD(20.0, momentum=0.0, l2=5e-7, clip_norm=0.25)
    search = tfdarts.DARTS(
        supernet, clip_virtual_step=kind == "texts", distribution=distribution
    )
    search.compile(optimizer, tfdarts.Adam(3e-4, l2=1e-3))
    return search


def examples(kind, rows):
    import numpy as np
    import tensorflow as tf

    random = np.random.default_rng(0)
    if kind == "images":
        shape = (rows, *SETTINGS["S"][3])
        images = random.normal(size=shape).astype("float32")
        return tf.constant(images), tf.constant(random.integers(0, 10, rows))
    tokens = random.integers(0, WORDS, (rows, LENGTH + 1))
    return tf.constant(tokens[:, :-1]), tf.constant(tokens[:, 1:])


class Worker:
    """What a process of a form does, as its parent asks it to."""

    def __init__(self, kind, distribute, cores):
        os.sched_setaffinity(0, cores)
        import keras
        import tensorflow as tf

        if len(cores) == 1:
            tf.config.threading.set_intra_op_parallelism_threads(1)
            tf.config.threading.set_inter_op_parallelism_threads(1)
        if distribute == "mirrored":
            tf.config.set_logical_device_configuration(
                tf.config.list_physical_devices("CPU")[0],
                [tf.config.LogicalDeviceConfiguration() for _ in cores],
            )
        from tfdarts.replicas import worker_of
        from tfdarts.training.distribution import distribution_of

        self.kind = kind
        self.distribution = distribution_of(distribute)
        self.num_workers = worker_of(self.distribution)[1]
        # Once: TensorFlow then forgets which functions it has optimized.
        keras.utils.set_random_seed(0)
        self.searches = {}

    def prepare(self, batches):
        """Makes the search of so many batches a step; no graph is built."""
        if batches in self.searches:
            return
        rows = batches * BATCH[self.kind] // self.num_workers
        search = search_of(self.kind, self.distribution)
        self.searches[batches] = search, examples(self.kind, rows)

    def step(self, batches):
        """Returns the CPU seconds that a step took this process."""
        search, batch = self.searches[batches]
        started = time.process_time()
        search.train_step((batch, batch))
        search.supernet.network_weights[0].numpy()
        return time.process_time() - started

    def all_reduces(self):
        """Returns the bytes of the all-reduces of each phase, as counted."""
        from tfdarts.training.memory import bytes_of

        loss = self.searches[1][0]._compiled_loss

        def sizes(phase):
            (function,) = phase._average._list_all_concrete_functions()
            return [
                bytes_of(operation.inputs[0])
                for operation in function.graph.get_operations()
                if operation.type == "CollectiveReduceV2"
            ]

        return {name: sizes(getattr(loss, name)) for name in PHASES}

    def seconds_of_all_reduce(self, length):
        """Returns the seconds of an all-reduce of a vector, a median."""
        import tensorflow as tf

        strategy, in_a_row = self.distribution, 20

        @tf.function
        def reduce(vector):
            for _ in range(in_a_row):
                halves = strategy.run(lambda v: v / 2, args=(vector,))
                vector = strategy.reduce("SUM", halves, axis=None)
            return vector

        times = []
        for _ in range(12):
            started = time.perf_counter()
            reduce(tf.zeros(length)).numpy()
            times.append(time.perf_counter() - started)
        return statistics.median(times[2:]) / in_a_row


def serve(kind, distribute, cores):
    """Answers what the parent asks, until it asks no more."""
    worker = Worker(kind, distribute, json.loads(cores))
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        print(json.dumps(getattr(worker, name)(*arguments)), flush=True)


class Running:
    """The processes of a form, as a context."""

    def __init__(self, kind, form):
        self.errors, self.processes = [], []
        tasks = range(len(form.cores))
        addresses = [f"localhost:{port}" for port in free_ports(len(tasks))]
        for index, cores in enumerate(form.cores):
            config = {
                "cluster": {"worker": addresses},
                "task": {"type": "worker", "index": index},
            }
            self.errors.append(tempfile.TemporaryFile("w+"))
            self.processes.append(
                subprocess.Popen(
                    [sys.executable, __file__, "--serve", kind]
                    + [form.distribute, json.dumps(cores)],
                    env={**os.environ, "TF_CONFIG": json.dumps(config)},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=self.errors[-1],
                    text=True,
                )
            )

    def __enter__(self):
        return self

    def ask(self, *words, processes=None):
        """Returns the answers of the first so many processes, or of all."""
        asked = self.processes[:processes]
        for process in asked:
            with contextlib.suppress(BrokenPipeError):
                print(json.dumps(words), file=process.stdin, flush=True)
        lines = [*map(self.line_of, asked)]
        if all(lines):
            return [*map(json.loads, lines)]
        for file in self.errors:
            file.seek(0)
            print(file.read()[-2000:], file=sys.stderr)
        sys.exit("A process has failed: its output is above.")

    def line_of(self, process):
        """Returns an answer, or an empty string once any process has ended."""
        while not select.select([process.stdout], [], [], 1.0)[0]:
            if any(each.poll() is not None for each in self.processes):
                return ""
        return process.stdout.readline()

    def __exit__(self, *error):
        for process in self.processes:
            if any(error):
                process.kill()
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
        for process in self.processes:
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("localhost", 0))
        return [each.getsockname()[1] for each in sockets]


class Progress:
    """Says on stderr what is measured, and when all will be done."""

    FIRST = 8
    """About as many steps take as long as a first one."""

    def __init__(self, total):
        self.total, self.done = total, 0
        self.started = time.monotonic()

    def tell(self, text, weight):
        spent = time.monotonic() - self.started
        left = (self.total / max(self.done, 1) - 1) * spent
        eta = f"{left / 60:.0f} min left" if self.done else "the first"
        print(f"{text} ({eta})", file=sys.stderr, flush=True)
        self.done += weight


def measure(kind, rounds, steps, progress):
    """Returns wall and CPU seconds of all rows, and of all-reduces."""
    names = "first_step_s", "first_step_cpu_s", "step_s", "step_cpu_s"
    found = {name: {row: [] for row in ROWS} for name in names}
    for number in range(rounds):
        with contextlib.ExitStack() as stack:
            running = {
                name: stack.enter_context(Running(kind, form))
                for name, form in FORMS.items()
            }

            def ask(method, row):
                """Returns the seconds that it took, and those of CPUs."""
                started = time.perf_counter()
                cpu = running[row.form].ask(
                    method, row.batches, processes=row.processes
                )
                return time.perf_counter() - started, cpu

            for row in ROWS.values():
                ask("prepare", row)
            for turn in range(1 + steps):
                for name, row in ROWS.items():
                    progress.tell(
                        f"{kind}, round {number + 1} of {rounds}: {name}, "
                        + (f"step {turn} of {steps}" if turn else "first step"),
                        1 if turn else Progress.FIRST,
                    )
                    seconds, cpu = ask("step", row)
                    what = "step" if turn else "first_step"
                    found[f"{what}_s"][name].append(seconds)
                    found[f"{what}_cpu_s"][name].append(sum(cpu))
            workers = running["workers"]
            sizes, _ = workers.ask("all_reduces")
            longest = max(sum(sizes.values(), [])) // 4
            short, long = (
                workers.ask("seconds_of_all_reduce", length)[0]
                for length in (2, longest)
            )
    return found | {
        "bytes": sizes,
        "latency_s": short / 2,
        "bytes_per_s": 4 * longest / max(long - short, 1e-9),
        "load_average": os.getloadavg()[1],
    }


def speed_ups(figures, name):
    """Returns how much more work a row does than one core.

    Two figures: by the clock, and as it would be if its cores computed all
    the time, by their seconds; the second leaves out others and messages.
    """
    row = ROWS[name]
    work = row.batches * (row.processes if row.form == "single" else 1)
    cores = sum(map(len, FORMS[row.form].cores[: row.processes]))
    return (
        statistics.median(
            factor * one / own
            for one, own in zip(figures[what][ONE], figures[what][name])
        )
        for what, factor in (("step_s", work), ("step_cpu_s", work * cores))
    )


def predict_step_seconds(devices, seconds, sizes, latency, bandwidth, weak):
    """Returns the seconds of a step on so many devices.

    A ring of n devices: an all-reduce takes 2 (n - 1) messages one after the
    other, and moves 2 (n - 1) / n of its bytes through each device.

    Args:
        devices: Integer, n.
        seconds: Float, a step of one device.
        sizes: List of integers, the bytes of each all-reduce of a step.
        latency: Float, seconds of a message.
        bandwidth: Float, bytes a second.
        weak: Boolean, whether the batch grows with the devices.
    """
    work = seconds if weak else seconds / devices
    hops = 2 * (devices - 1)
    return work + hops * (
        len(sizes) * latency + sum(sizes) / devices / bandwidth
    )


def bytes_of_a_step(sizes):
    """Returns the bytes of each all-reduce of a step of second order."""
    return [
        size for name, calls in PHASES.items() for size in calls * sizes[name]
    ]


def sizes_of(setting):
    """Returns the bytes that images' phases reduce; nothing is built."""
    search = search_of("images", setting=setting)
    weights, alphas, (statistics, _) = search._compiled_loss.values()
    count = sum(tensor.shape.num_elements() for tensor in alphas)
    rest = sum(t.shape.num_elements() for t in statistics) + len(weights)
    return {
        # Loss and accuracy, gradients and moving statistics.
        "gradients": [4 * (2 + count + rest)],
        "alpha_gradients": [4 * (1 + count)],
    }


def print_table(kind, figures):
    """Prints what was measured."""
    print(
        f"\n| {kind} | batch | first step, s | step, s | CPU s per step | "
        f"times one core's work | by CPU s |\n| --- |" + " ---: |" * 6
    )
    for name, row in ROWS.items():
        first, step, cpu = (
            statistics.median(figures[what][name])
            for what in ("first_step_s", "step_s", "step_cpu_s")
        )
        by_clock, by_cpu = speed_ups(figures, name)
        print(
            f"| {name} | {row.batches * BATCH[kind]} | {first:.1f} | "
            f"{step:.2f} | {cpu:.2f} | {by_clock:.2f} | {by_cpu:.2f} |"
        )
    first, first_cpu = (
        statistics.median(
            mirrored / both
            for mirrored, both in zip(figures[w][MIRRORED], figures[w][BOTH])
        )
        for w in ("first_step_s", "first_step_cpu_s")
    )
    one = statistics.median(figures["step_s"][ONE])
    sizes = bytes_of_a_step(figures["bytes"])
    network = figures["latency_s"], figures["bytes_per_s"]
    strong, weak = (
        (1 + weak) * one / predict_step_seconds(2, one, sizes, *network, weak)
        for weak in (False, True)
    )
    print(
        f"\nFirst step, two logical devices: {first:.2f} times that of one "
        f"with the same cores, {first_cpu:.2f} times its CPU seconds.\n"
        f"All-reduces of a step: {len(sizes)}, of "
        f"{', '.join(f'{size:,}' for size in sizes)} bytes. Between two "
        f"workers a message takes {1e3 * network[0]:.2f} ms and "
        f"{network[1] / 1e9:.2f} GB/s travel: predicted for two, strong "
        f"{strong:.2f}, weak {weak:.2f}.\n"
        f"Load average: {figures['load_average']:.1f}."
    )


def predict(sizes, latency, plot):
    """Prints and draws the speed-ups that follow for a GPU's step."""
    curves = {
        (name, weak): [
            (n if weak else 1)
            * GPU_STEP
            / predict_step_seconds(
                n, GPU_STEP, sizes, latency + wire, bandwidth, weak
            )
            for n in DEVICES
        ]
        for name, wire, bandwidth in NETWORKS
        for weak in (False, True)
    }
    print(
        f"\nPredicted: {len(sizes)} all-reduces, {sum(sizes):,} bytes a step."
    )
    print("\n| devices | " + " | ".join(n.name for n in NETWORKS) + " |")
    print("| ---: |" + " ---: |" * len(NETWORKS))
    for n, *values in zip(DEVICES, *curves.values()):
        pairs = zip(values[::2], values[1::2])
        cells = " | ".join(f"{a:.1f}, {b:.1f}" for a, b in pairs)
        print(f"| {n} | {cells} |")
    if plot:
        draw(curves, plot)


def draw(curves, path):
    """Draws strong and weak scaling beside each other."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for panel, weak in zip(panels, (False, True)):
        panel.plot(DEVICES, DEVICES, color="#B0BEC5", linestyle=":")
        panel.annotate("ideal", (14, 18), color="#78909C", ha="right")
        for network, color in zip(NETWORKS, ("#00795A", "#0B5FA5", "#BF4D00")):
            values = curves[network.name, weak]
            panel.plot(DEVICES, values, color=color, label=network.name)
        panel.set_xscale("log", base=2)
        panel.set_yscale("log", base=2)
        panel.set_xticks(DEVICES, map(str, DEVICES))
        panel.set_yticks(DEVICES, map(str, DEVICES))
        panel.set_xlabel("devices")
        panel.set_title(
            "the batch grows with the devices" if weak else "the same batch"
        )
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("speed-up in images per second")
    panels[0].legend(frameon=False)
    figure.suptitle(
        "Predicted, not measured: a second-order step of 4.4 s on one GPU"
    )
    figure.savefig(path, dpi=150)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kinds", nargs="+", choices=BATCH, default=[*BATCH])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=5, help="steps per round")
    parser.add_argument("--out", help="path of a JSON file for all figures")
    parser.add_argument(
        "--plot", help="path of a picture of the predicted curves"
    )
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(*given.serve)
        return
    work = len(ROWS) * (Progress.FIRST + given.steps)
    progress = Progress(len(given.kinds) * given.rounds * work)
    results = {}
    for kind in given.kinds:
        results[kind] = measure(kind, given.rounds, given.steps, progress)
        print_table(kind, results[kind])
    if given.out:
        with open(given.out, "w") as file:
            json.dump(results, file)
    if "images" in results:
        images = results["images"]
        if sizes_of("S") != images["bytes"]:
            sys.exit(
                "The all-reduces of the search do not match those that "
                "`sizes_of` counts."
            )
        predict(bytes_of_a_step(sizes_of("P")), images["latency_s"], given.plot)


if __name__ == "__main__":
    main()
