"""What a step of each gradient method costs: time, memory, time to start.

    python benchmarks/methods.py --setting=S darts snas gdas

Each method is a process of its own, with its published parts. A batch has as
many examples for each method.
"""

import argparse
import json
import statistics
import sys
import time

from search_step import SETTINGS
from search_step import measure_in_turn
from search_step import peak_memory_mb

COLUMNS = {
    "method": "method",
    "first_step_s": "first step, s",
    "step_s": "step, s",
    "peak_memory_mb": "peak, MB",
    "import_memory_mb": "of it imports, MB",
}


def measure(name, setting, steps):
    """Returns the figures of one method, all of it in this process."""
    import numpy as np
    import tensorflow as tf

    import tfdarts
    from tfdarts.tasks.image_search import compile_search
    from tfdarts.tasks.networks import build_supernet
    from tfdarts.tasks.presets import fill_paper_settings

    tf.config.list_logical_devices()
    import_memory = peak_memory_mb()
    channels, cells, batch, image = SETTINGS[setting]
    given = {"order": 1} if name == "darts" else {}
    config = tfdarts.search_config(
        name,
        init_channels=channels,
        num_cells=cells,
        batch_size=batch,
        **given,
    )
    config = fill_paper_settings(config)
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
    return {
        "method": name,
        "first_step_s": first,
        "step_s": statistics.median(seconds_of_a_step() for _ in range(steps)),
        "peak_memory_mb": peak_memory_mb(),
        "import_memory_mb": import_memory,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("methods", nargs="+")
    parser.add_argument("--setting", choices=SETTINGS, default="S")
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--measure", action="store_true", help="internal")
    given = parser.parse_args()
    if given.measure:
        (name,) = given.methods
        print(json.dumps(measure(name, given.setting, given.steps)))
        return
    ours = [sys.executable, __file__, "--measure"]
    options = [f"--setting={given.setting}", f"--steps={given.steps}"]
    commands = [[*ours, *options, name] for name in given.methods]
    print("| " + " | ".join(COLUMNS.values()) + " |")
    print("| --- |" + " ---: |" * (len(COLUMNS) - 1))
    for row in measure_in_turn(commands, given.rounds):
        values = [row[key] for key in COLUMNS]
        shown = [f"{v:,.2f}" if isinstance(v, float) else v for v in values]
        print(f"| {' | '.join(shown)} |")


if __name__ == "__main__":
    main()
