"""What a step of the search costs: time, memory, and the time to start.

    python benchmarks/search_step.py --setting=S --order=2 --baseline

Each measurement is a process of its own. What is compared takes turns, so
that a busy machine is busy for all; read the ratios.
"""

import argparse
import json
import pathlib
import resource
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent
SETTINGS = {  # channels, cells, batch, image
    "S": (8, 5, 32, (28, 28, 3)),
    "M": (16, 8, 16, (32, 32, 3)),
    "P": (16, 8, 64, (32, 32, 3)),  # the paper's
}
METHODS = ("central_difference", "one_sided_difference", "exact")
FORMS = {"tfdarts": "tfdarts", "baseline": "one edge at a time"}
COLUMNS = {
    "form": "form",
    "first_step_s": "first step, s",
    "median_step_s": "step, s",
    "spread_s": "quartiles apart, s",
    "images_per_s": "images/s",
    "peak_memory_mb": "peak, MB",
    "import_memory_mb": "of it imports, MB",
    "graph_operations": "graph operations",
}


def peak_memory_mb():
    """The most memory this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def search_of(size, order, method, precision="float32", **choices):
    """Returns a search, compiled with the paper's optimizers.

    Args:
        size: One of `SETTINGS`, its values.
        order: Integer, `0` leaves the alphas alone.
        method: One of `METHODS`.
        precision: As `tfdarts-search` has it.
        **choices: `recompute` and `micro_batches`, as well.
    """
    import tfdarts
    from tfdarts.tasks.configs import SearchConfig
    from tfdarts.tasks.presets import fill_paper_settings
    from tfdarts.training.optimizers import SGD
    from tfdarts.training.optimizers import Adam

    channels, cells, _, image = size
    config = fill_paper_settings(
        SearchConfig(
            order=order or 1, method=method, precision=precision, **choices
        )
    )
    supernet = tfdarts.CNNSupernet(
        channels,
        cells,
        10,
        image,
        recompute=config.recompute,
        dtype=config.dtype_policy,
    )
    search = tfdarts.DARTS(
        supernet,
        order=config.order,
        method=method,
        micro_batches=config.micro_batches,
    )
    search.compile(
        SGD(0.025, momentum=0.9, l2=3e-4, clip_norm=5.0),
        Adam(3e-4, l2=1e-3),
    )
    return search


def one_edge_at_a_time():
    """Puts the textbook's mixed operation, the tests' oracle, in place."""
    from tfdarts.layers import search_cell

    sys.path.insert(0, str(HERE.parent / "tests"))
    from one_edge_mixed_op import OneEdgeMixedOp

    search_cell.MixedOp = OneEdgeMixedOp


def add_process_arguments(parser):
    """Adds the arguments of benchmarks that measure in turn."""
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument(
        "--reference",
        metavar="PYTHON",
        help="also measure PyTorch, with this Python interpreter",
    )
    parser.add_argument(
        "--measure",
        action="store_true",
        help="measure in this process (for internal use)",
    )


def measure(given):
    """Returns the figures of one search, all of it in this process."""
    from tfdarts.cli.process import choose_threads

    choose_threads()  # As `tfdarts-search` does.

    import numpy as np
    import tensorflow as tf

    tf.config.list_logical_devices()
    import_memory = peak_memory_mb()
    if given.measure == "baseline":
        one_edge_at_a_time()
    size = given.size or SETTINGS[given.setting]
    search = search_of(
        size,
        given.order,
        given.method,
        given.precision,
        recompute=given.recompute,
        micro_batches=given.micro_batches,
    )
    *_, batch, image = size
    random = np.random.default_rng(0)

    def examples():
        images = random.normal(size=(batch, *image)).astype("float32")
        return tf.constant(images), tf.constant(random.integers(0, 10, batch))

    train, val = examples(), examples()

    def seconds_of_a_step():
        started = time.perf_counter()
        if given.order:
            search.train_step((train, val))
        else:
            parts = search._parts(train, "train")
            search.update_weights(parts)
        search.supernet.network_weights[0].numpy()
        return time.perf_counter() - started

    first = seconds_of_a_step()
    times = [seconds_of_a_step() for _ in range(given.steps)]
    low, median, high = statistics.quantiles(times, n=4)
    return {
        "form": FORMS[given.measure],
        "setting": "x".join(map(str, size[:3]))
        if given.size
        else given.setting,
        "order": given.order,
        "method": given.method if given.order == 2 else None,
        "first_step_s": first,
        "median_step_s": median,
        "spread_s": high - low,
        "images_per_s": batch / median,
        "peak_memory_mb": peak_memory_mb(),
        "import_memory_mb": import_memory,
        "graph_operations": graph_operations(search),
    }


def graph_operations(search):
    """Returns the operations of all phases that were compiled."""
    compiled = [
        getattr(each, "_compute", each)
        for part in (search, search._compiled_loss)
        for each in vars(part).values()
    ]
    return sum(
        len(function.graph.get_operations())
        for each in compiled
        if hasattr(each, "get_concrete_function")
        for function in each._list_all_concrete_functions()
    )


def measure_in_turn(commands, rounds):
    """Runs each command once a round; returns the medians of its figures."""
    results = [[] for _ in commands]
    for _ in range(rounds):
        for command, kept in zip(commands, results, strict=True):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"{' '.join(command)}\n{done.stderr[-2000:]}")
            kept.append(json.loads(done.stdout.splitlines()[-1]))
    return [
        {
            key: statistics.median(r[key] for r in kept)
            if isinstance(value, float)
            else value
            for key, value in kept[0].items()
        }
        for kept in results
    ]


def table(rows):
    """Returns the figures as a Markdown table, and the ratios of the steps."""

    def cell(value):
        return f"{value:,.2f}" if isinstance(value, float) else str(value)

    columns = [key for key in COLUMNS if any(key in row for row in rows)]
    lines = [
        "| " + " | ".join(COLUMNS[key] for key in columns) + " |",
        "| " + " | ".join("---" for _ in columns) + " |",
    ]
    for row in rows:
        cells = [cell(row.get(key, "")) for key in columns]
        lines.append("| " + " | ".join(cells) + " |")
    for row in rows[1:]:
        ratio = row["median_step_s"] / rows[0]["median_step_s"]
        lines.append(f"\n{row['form']}: {ratio:.2f} times the step's time.")
    return "\n".join(lines)


def size_of(text):
    """Channels, cells, batch and image of four integers."""
    channels, cells, batch, image = map(int, text.split(","))
    return channels, cells, batch, (image, image, 3)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--setting", choices=SETTINGS, default="S")
    parser.add_argument(
        "--size",
        type=size_of,
        help="channels,cells,batch,image, instead of --setting",
    )
    parser.add_argument("--order", type=int, choices=(0, 1, 2), default=2)
    parser.add_argument("--method", choices=METHODS, default=METHODS[0])
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--recompute", action="store_true")
    parser.add_argument("--micro_batches", type=int, default=1)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument(
        "--baseline",
        action="store_true",
        help="also measure the form that computes one edge at a time",
    )
    parser.add_argument(
        "--reference",
        metavar="PYTHON",
        help="also measure PyTorch, with this Python interpreter",
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument(
        "--measure",
        choices=FORMS,
        help="measure this form in this process (for internal use)",
    )
    given = parser.parse_args()
    if given.size and given.reference:
        parser.error("the PyTorch reference takes --setting, not --size")
    if given.measure:
        print(json.dumps(measure(given)))
        return
    same = [
        f"--setting={given.setting}",
        f"--order={given.order}",
        f"--steps={given.steps}",
    ]
    ours = [sys.executable, *sys.argv]
    commands = [[*ours, "--measure=tfdarts"]]
    if given.baseline:
        commands.append([*ours, "--measure=baseline"])
    if given.reference:
        reference = [given.reference, str(HERE / "torch_reference.py"), *same]
        commands += [
            [*reference, f"--memory_format={order}", "--json"]
            for order in ("channels_first", "channels_last")
        ]
    rows = measure_in_turn(commands, given.rounds)
    for row in rows:
        row.setdefault("form", f"PyTorch, {row.get('memory_format')}")
    if given.json:
        print(json.dumps(rows[0] if len(rows) == 1 else rows))
    else:
        print(table(rows))


if __name__ == "__main__":
    main()
