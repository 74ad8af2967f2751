"""What a step of the final training costs, beside plain PyTorch.

    python benchmarks/train_step.py --setting=C --reference=PYTHON

A step of the network of DARTS_V2, without drop path and auxiliary head, in the
model that `tfdarts-train` fits. Each measurement is a process of its own;
they take turns.
"""

import argparse
import json
import pathlib
import statistics
import sys
import time

from search_step import add_process_arguments
from search_step import measure_in_turn
from search_step import peak_memory_mb
from search_step import table

HERE = pathlib.Path(__file__).parent
SETTINGS = {  # channels, cells, batch
    "C": (16, 8, 64),
    "P": (36, 20, 96),  # the paper's
}


def measure(setting, steps):
    """Returns the figures of one training, all of it in this process."""
    from tfdarts.cli.process import choose_threads

    choose_threads()  # As `tfdarts-train` does.

    import numpy as np
    import tensorflow as tf

    from tfdarts import genotypes
    from tfdarts.tasks.configs import TrainConfig
    from tfdarts.tasks.networks import build_network
    from tfdarts.tasks.networks import compile_network
    from tfdarts.tasks.presets import fill_paper_settings

    tf.config.list_logical_devices()
    import_memory = peak_memory_mb()
    channels, cells, batch = SETTINGS[setting]
    config = fill_paper_settings(
        TrainConfig(
            init_channels=channels,
            num_cells=cells,
            drop_path_rate=0.0,
            auxiliary_weight=0.0,
        )
    )
    network = build_network(config, genotypes.get("DARTS_V2"), 10, (32, 32, 3))
    model = compile_network(config, network, steps)
    random = np.random.default_rng(0)
    images = random.normal(size=(batch, 32, 32, 3)).astype("float32")
    batches = tf.data.Dataset.from_tensors(
        (images, random.integers(0, 10, batch))
    )
    batches = iter(batches.cache().repeat())
    model.make_train_function()

    def step():
        started = time.perf_counter()
        float(model.train_function(batches)["loss"])
        return time.perf_counter() - started

    first = step()
    quartiles = statistics.quantiles([step() for _ in range(steps)], n=4)
    return {
        "form": "tfdarts",
        "first_step_s": first,
        "median_step_s": quartiles[1],
        "spread_s": quartiles[2] - quartiles[0],
        "images_per_s": batch / quartiles[1],
        "peak_memory_mb": peak_memory_mb(),
        "import_memory_mb": import_memory,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--setting", choices=SETTINGS, default="C")
    parser.add_argument("--steps", type=int, default=10)
    add_process_arguments(parser)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.setting, given.steps)))
        return
    same = [f"--setting={given.setting}", f"--steps={given.steps}"]
    commands = [[sys.executable, __file__, "--measure", *same]]
    if given.reference:
        script = str(HERE / "torch_train.py")
        commands += [
            [given.reference, script, f"--memory_format={order}", *same]
            for order in ("channels_first", "channels_last")
        ]
    print(table(measure_in_turn(commands, given.rounds)))


if __name__ == "__main__":
    main()
