"""How good are the cells that each gradient method finds, epoch by epoch?

    python benchmarks/methods_quality.py --cifar10=DIRECTORY \\
        --work_dir=runs/methods --minutes=20

DIRECTORY holds `train_0.npz` with 10,000 images of CIFAR-10; see
`cifar10_images.py`. The weights learn from the first half, alpha from the
second, at 16x16.

Each method searches first order, with 8 channels and 5 cells, for as many
epochs as fit into the same time on one core: a brief search of its own, on
half of the images, measures how long an epoch takes. A cell is scored by a
surrogate of NAS-Bench-301, where four or more skip connections in the normal
cell count 0, or, with `--space=nas_bench_201`, by the accuracy in its table;
its percentile is among 3,000 random cells.

Each finished run is a line of JSON in benchmarks/results. A study that was
interrupted resumes with the same command.
"""

import argparse
import functools
import json
import pathlib
import statistics
import subprocess
import sys
import time

from cifar10_images import read_file
from methods import gradient_methods
from percentiles import judge_epochs
from search_seconds import measure_search
from search_seconds import seconds_between
from study import append_row
from study import read_rows

HERE = pathlib.Path(__file__).parent
RESULTS = HERE / "results" / "methods_quality.jsonl"
BRIEF = 0.5
"""The share of the images in a search that measures the time of an epoch."""
SETTINGS = {
    "preset": "paper",
    "order": 1,
    "init_channels": 8,
    "num_cells": 5,
    "batch_size": 64,
    "learning_rate": 0.025,
    "min_learning_rate": 0.001,
    "crop_padding": 2,
    "random_flip": "on",
    "image_size": 16,
    "train_portion": 1.0,
}
ALPHA_RATE = 40
"""The factor of the published learning rates of alpha.

In 500 steps, alpha can so move as far as in the 20,000 steps of publications.
"""
OWN = {
    # Rates that do not depend on the number of steps, as Adam's do.
    "gaea": {"alpha_learning_rate": 0.1},
    # Eight channels are split in four.
    "drnas": {"channel_parts": 4, "stage_channel_parts": "2"},
    # All supernets have five cells.
    "p_darts": {"stage_num_cells": "5,5"},
    "darts_pt": {"decision_epochs": 1},
}
KEYS = ("space", "method", "seed", "minutes")


def config_of(given, run_dir, epochs, warmup, share=1):
    """Returns the settings of a search.

    Args:
        given: The arguments of the command line.
        run_dir: Path.
        epochs: Integer.
        warmup: Integer, the epochs before alpha moves.
        share: Number, the share of the images that are read. Defaults to 1.
    """
    import tfdarts

    images, labels = read_file(given.cifar10 / "train_0.npz")
    half = round(given.images * share)
    data = tfdarts.from_arrays(
        (images[:half], labels[:half]),
        test=(images[:10], labels[:10]),
        validation=(images[half : 2 * half], labels[half : 2 * half]),
        name="cifar10",
    )
    method = given.methods[0]
    published = published_of(method)
    settings = dict(SETTINGS)
    for name in published["fixed"]:
        settings.pop(name, None)
    if "alpha_learning_rate" not in published["fixed"]:
        rate = published["alpha_learning_rate"]
        settings["alpha_learning_rate"] = ALPHA_RATE * rate
    if "alpha_warmup_epochs" not in published["fixed"]:
        settings["alpha_warmup_epochs"] = warmup
    return tfdarts.search_config(
        method,
        dataset=data,
        run_dir=str(run_dir),
        seed=given.seed,
        epochs=epochs,
        space=given.space,
        **(settings | OWN.get(method, {}) | json.loads(given.settings)),
    )


def published_of(method):
    """Returns the published settings of a method, and the fixed ones."""
    import tfdarts
    from tfdarts.strategies.strategy_registry import get_strategy
    from tfdarts.tasks.presets import fill_paper_settings

    config = tfdarts.search_config(method, preset="paper")
    config = fill_paper_settings(config)
    return {**vars(config), "fixed": get_strategy(method).fixed}


def epochs_in_time(given, run_dir):
    """Returns the epochs that fit into the time, and those of the warm-up."""
    published = published_of(given.methods[0])
    share = published["alpha_warmup_epochs"] / published["epochs"]
    config = functools.partial(config_of, given, run_dir, share=BRIEF)
    seconds = measure_search(config, run_dir, share)
    left = 60 * given.minutes - seconds["decisions"] / BRIEF
    epochs = max(round(left / (seconds["epoch"] / BRIEF)), 2)
    return epochs, round(share * epochs)


def run_one(given):
    """Searches with one method and seed; prints the result as JSON."""
    import tfdarts

    name = f"{given.space}_{given.methods[0]}"
    place = given.work_dir / f"{given.minutes:g}_minutes"
    plan_file = place / f"{name}.json"
    if not plan_file.exists():
        plan_dir = place / f"{name}_brief_{time.time():.0f}"
        plan = epochs_in_time(given, plan_dir)
        plan_file.write_text(json.dumps(plan))
    epochs, warmup = json.loads(plan_file.read_text())
    run_dir = place / f"{name}_{given.seed}"
    config = config_of(given, run_dir, epochs, warmup)
    tfdarts.search(config)
    status = json.loads((run_dir / "search" / "status.json").read_text())
    result = {
        "space": given.space,
        "method": given.methods[0],
        "seed": given.seed,
        "minutes": given.minutes,
        "epochs": epochs,
        "warmup_epochs": warmup,
        "seconds": round(status["seconds"], 1),
        "seconds_of_an_epoch": round(
            statistics.median(seconds_between(run_dir)), 2
        ),
        "best_epoch": status["best_epoch"],
        "by_epoch": judge_epochs(config.search_space, run_dir),
    }
    print(json.dumps(result))


def finished(results):
    """Returns the keys of the runs in the file of results."""
    return {tuple(row[key] for key in KEYS) for row in read_rows(results)}


def run_all(given):
    """Runs what is not finished, one process after the other."""
    given.work_dir.mkdir(parents=True, exist_ok=True)
    place = given.work_dir / f"{given.minutes:g}_minutes"
    place.mkdir(exist_ok=True)
    runs = [
        (given.space, method, seed, given.minutes)
        for seed in range(given.seeds)
        for method in given.methods
    ]
    done = finished(given.results)
    left = [run for run in runs if run not in done]
    for number, (space, method, seed, minutes) in enumerate(left):
        hours = (len(left) - number) * minutes / 60
        print(
            f"{len(left) - number} of {len(runs)} runs are left, about "
            f"{hours:.1f} hours; next {method}, seed {seed}",
            flush=True,
        )
        command = [
            *(sys.executable, __file__, "--run", method),
            *(f"--space={space}", f"--seed={seed}", f"--minutes={minutes}"),
            *(f"--cifar10={given.cifar10}", f"--work_dir={given.work_dir}"),
            *(f"--images={given.images}", f"--settings={given.settings}"),
        ]
        ran = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if ran.returncode:
            print(f"{method}, seed {seed}, failed; its error is above.")
            continue
        append_row(given.results, json.loads(ran.stdout.splitlines()[-1]))
    print_table(given)


def print_table(given):
    """Prints the percentiles of each method at quarters of its epochs."""
    rows = {}
    for row in read_rows(given.results):
        if (row["space"], row["minutes"]) == (given.space, given.minutes):
            rows.setdefault(row["method"], []).append(row["by_epoch"])
    print("| method | percentile at 1/4 | 1/2 | 3/4 | 1 | skips at 1 |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for method, runs in rows.items():
        values = [
            statistics.mean(
                run[round(quarter * len(run) / 4) - 1]["percentile"]
                for run in runs
            )
            for quarter in (1, 2, 3, 4)
        ]
        shown = " | ".join(f"{value:.0f}" for value in values)
        skips = ", ".join(str(run[-1]["skips"]) for run in runs)
        print(f"| `{method}` | {shown} | {skips} |")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("methods", nargs="*", help="default: all")
    parser.add_argument("--cifar10", type=pathlib.Path, required=True)
    parser.add_argument("--work_dir", type=pathlib.Path, required=True)
    parser.add_argument("--results", type=pathlib.Path, default=RESULTS)
    parser.add_argument("--space", default="darts")
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument(
        "--settings", default="{}", help="JSON, more settings of the searches"
    )
    parser.add_argument("--seed", type=int, default=0, help="internal")
    parser.add_argument("--run", action="store_true", help="internal")
    given = parser.parse_args()
    given.methods = given.methods or gradient_methods()
    if given.run:
        run_one(given)
    else:
        run_all(given)


if __name__ == "__main__":
    main()
