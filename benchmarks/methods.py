"""What a step of each gradient method costs: time, memory, time to start.

    python benchmarks/methods.py --setting=S darts snas gdas

Without names, all methods are measured. Each is a process of its own, with
its published parts, and alpha learns from the first step on. A batch has as
many examples for each method. Where the channels are split in parts, there
are as many more as that takes. The mean is over all steps, of which those of
`shapley_nas` in which operations leave are much longer than the others.
"""

import argparse
import json
import math
import statistics
import sys
import time

from search_step import SETTINGS
from search_step import measure_in_turn
from search_step import peak_memory_mb

COLUMNS = {
    "method": "method",
    "first_step_s": "first step, s",
    "step_s": "step, median, s",
    "mean_step_s": "step, mean, s",
    "peak_memory_mb": "peak, MB",
    "import_memory_mb": "of it imports, MB",
}


def config_of(name, setting):
    """Returns the settings of a search with one method.

    Args:
        name: String, a value of `--strategy`.
        setting: One of `SETTINGS`.
    """
    import tfdarts
    from tfdarts.tasks.presets import fill_paper_settings

    published = tfdarts.search_config(name)
    parts = math.lcm(*published.all_channel_parts, 2)
    channels, cells, batch, _ = SETTINGS[setting]
    given = {
        "order": 1,
        "alpha_warmup_epochs": 0,
        "init_channels": math.ceil(channels / parts) * parts,
        "num_cells": cells,
        "batch_size": batch,
    }
    return fill_paper_settings(tfdarts.search_config(name, **given))


def measure(name, setting, steps):
    """Returns the figures of one method, all of it in this process."""
    from tfdarts.cli.process import choose_threads

    choose_threads()  # As `tfdarts-search` does.

    import numpy as np
    import tensorflow as tf

    import tfdarts  # noqa: F401
    from tfdarts.tasks.image_search import compile_search
    from tfdarts.tasks.networks import build_supernet

    tf.config.list_logical_devices()
    import_memory = peak_memory_mb()
    *_, batch, image = SETTINGS[setting]
    config = config_of(name, setting)
    search = compile_search(config, build_supernet(config, 10, image), 1000)
    random = np.random.default_rng(0)

    def examples():
        images = random.normal(size=(batch, *image)).astype("float32")
        return tf.constant(images), tf.constant(random.integers(0, 10, batch))

    def seconds_of_a_step():
        pair = examples(), examples()
        started = time.perf_counter()
        search.train_step(pair)
        search.supernet.network_weights[0].numpy()
        return time.perf_counter() - started

    first = seconds_of_a_step()
    seconds = [seconds_of_a_step() for _ in range(steps)]
    return {
        "method": name,
        "first_step_s": first,
        "step_s": statistics.median(seconds),
        "mean_step_s": statistics.mean(seconds),
        "peak_memory_mb": peak_memory_mb(),
        "import_memory_mb": import_memory,
    }


def gradient_methods():
    """Returns the names of all strategies that train a supernet."""
    from tfdarts.strategies.strategy_registry import strategies

    return [each.name for each in strategies() if each.trains == "supernet"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("methods", nargs="*")
    parser.add_argument("--setting", choices=SETTINGS, default="S")
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--measure", action="store_true", help="internal")
    given = parser.parse_args()
    if given.measure:
        (name,) = given.methods
        print(json.dumps(measure(name, given.setting, given.steps)))
        return
    names = given.methods or gradient_methods()
    ours = [sys.executable, __file__, "--measure"]
    options = [f"--setting={given.setting}", f"--steps={given.steps}"]
    commands = [[*ours, *options, name] for name in names]
    print("| " + " | ".join(COLUMNS.values()) + " |")
    print("| --- |" + " ---: |" * (len(COLUMNS) - 1))
    for row in measure_in_turn(commands, given.rounds):
        values = [row[key] for key in COLUMNS]
        shown = [f"{v:,.2f}" if isinstance(v, float) else v for v in values]
        print(f"| {' | '.join(shown)} |")


if __name__ == "__main__":
    main()
