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


def markdown(rows):
    """Returns the table of finished runs: each method at its quarters.

    Args:
        rows: List of results of one space and one number of minutes.
    """
    lines = [
        "| method | percentile at 1/4 of the epochs, each seed | 1/2 | 3/4 | 1 "
        "| mean of all epochs | skips at 1 | epochs | seconds an epoch |",
        "| --- | --- | --- | --- | --- | ---: | --- | --- | ---: |",
    ]
    by_method = {}
    for row in rows:
        by_method.setdefault(row["method"], []).append(row)
    for method in sorted(by_method, key=lambda name: -mean_of(by_method[name])):
        runs = sorted(by_method[method], key=lambda run: run["seed"])
        epochs = [run["by_epoch"] for run in runs]
        quarters = [
            [each[round(n * len(each) / 4) - 1] for each in epochs]
            for n in (1, 2, 3, 4)
        ]
        cells = [
            ", ".join(f"{each['percentile']:.0f}" for each in quarter)
            for quarter in quarters
        ]
        skips = ", ".join(str(each["skips"]) for each in quarters[-1])
        lengths = ", ".join(f"{len(each)}" for each in epochs)
        seconds = statistics.median(run["seconds_of_an_epoch"] for run in runs)
        lines.append(
            f"| `{method}` | {' | '.join(cells)} | {mean_of(runs):.0f} "
            f"| {skips} | {lengths} | {seconds:.0f} |"
        )
    return "\n".join(lines)


def mean_of(runs):
    """Returns the mean percentile of all epochs of runs, each run alike."""
    return statistics.mean(
        statistics.mean(each["percentile"] for each in run["by_epoch"])
        for run in runs
    )


def draw(rows, path):
    """Draws the percentile of each epoch, one panel a method.

    Args:
        rows: See `markdown`.
        path: Path of the PNG file.
    """
    from tfdarts.visualization import palette
    from tfdarts.visualization import panels

    by_method = {}
    for row in rows:
        by_method.setdefault(row["method"], []).append(row)
    names = sorted(by_method, key=lambda name: -mean_of(by_method[name]))
    columns = 5
    figure = panels.new_figure(
        "The cell of each epoch among 3,000 random ones, at equal time"
    )
    grid = figure.subplots(
        -(-len(names) // columns), columns, sharex=True, sharey=True
    )
    for axes in grid.flat[len(names) :]:
        axes.set_axis_off()
    for name, axes in zip(names, grid.flat):
        for run in by_method[name]:
            values = [each["percentile"] for each in run["by_epoch"]]
            share = [100 * (n + 1) / len(values) for n in range(len(values))]
            axes.plot(share, values, color=palette.INK, linewidth=2, alpha=0.6)
        axes.axhline(50, color=palette.QUIET, linewidth=1, linestyle="--")
        axes.set_title(
            f"{name}: {mean_of(by_method[name]):.0f}", size=panels.MEDIUM
        )
        axes.set_ylim(-3, 103)
        panels.style_axes(axes)
    figure.supxlabel("time, %", size=panels.MEDIUM)
    figure.supylabel(
        "percentile; in titles the mean, dashed is chance", size=panels.MEDIUM
    )
    with open(path, "wb") as file:
        file.write(panels.to_png(figure))


def rows_of(path, space="darts", minutes=None):
    """Returns the results of one space and time.

    Args:
        path: Path of the file of results.
        space: String. Defaults to `"darts"`.
        minutes: Float. Defaults to that of the last result.
    """
    rows = [row for row in read_rows(path) if row["space"] == space]
    minutes = rows[-1]["minutes"] if rows and minutes is None else minutes
    return [row for row in rows if row["minutes"] == minutes]


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
    parser.add_argument("--picture", help="path of a PNG")
    parser.add_argument("--seed", type=int, default=0, help="internal")
    parser.add_argument("--run", action="store_true", help="internal")
    given = parser.parse_args()
    given.methods = given.methods or gradient_methods()
    if given.run:
        run_one(given)
    else:
        run_all(given)
        rows = rows_of(given.results, given.space, given.minutes)
        print(markdown(rows))
        if given.picture:
            draw(rows, given.picture)


if __name__ == "__main__":
    main()
