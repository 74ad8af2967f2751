"""How good are the cells that each gradient method finds, epoch by epoch?

    python benchmarks/methods_quality.py --cifar10=DIRECTORY \\
        --work_dir=runs/methods --minutes=20

DIRECTORY holds `train_0.npz` with 10,000 images of CIFAR-10: `x`, uint8
`(images, 32, 32, 3)`, and `y`, labels; or in place of `x`, `r`, the
differences between neighboring pixels. The weights learn from the first half,
alpha from the second, at 16x16.

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
import json
import pathlib
import statistics
import subprocess
import sys
import time

from methods import gradient_methods

HERE = pathlib.Path(__file__).parent
RESULTS = HERE / "results" / "methods_quality.jsonl"
RANDOM = 3000
COLLAPSED = 4
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


def read_images(directory):
    """Returns 10,000 images and their labels."""
    import numpy as np

    with np.load(directory / "train_0.npz", allow_pickle=False) as file:
        labels = file["y"].astype("int64")
        if "x" in file:
            return file["x"], labels
        rows = np.cumsum(file["r"], axis=-2, dtype=np.uint8)
        green, red, blue = np.cumsum(rows, axis=-1, dtype=np.uint8)
    return np.stack([red + green, green, blue + green], axis=-1), labels


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

    images, labels = read_images(given.cifar10)
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


def seconds_between(run_dir):
    """Returns the seconds of each epoch after the first, a list.

    They are told by the times of the files that each epoch writes. An epoch
    after an interruption counts like the others.
    """
    files = sorted(
        (run_dir / "search" / "genotypes").glob("epoch_*.json"),
        key=lambda file: int(file.stem.removeprefix("epoch_")),
    )
    times = [file.stat().st_mtime for file in files]
    found = [after - before for before, after in zip(times, times[1:])]
    most = 3 * statistics.median(found) if found else 0
    return [min(each, most) for each in found]


def epochs_in_time(given, run_dir):
    """Returns the epochs that fit into the time, and those of the warm-up."""
    import tfdarts
    from tfdarts.runs.stages_of_search import StagesOfSearch

    published = published_of(given.methods[0])
    share = published["alpha_warmup_epochs"] / published["epochs"]
    # The first epoch of each kind builds graphs, the second does not.
    length = 4 if share else 2
    warmup = 2 if share else 0
    config = config_of(given, run_dir, length, warmup, share=BRIEF)
    tfdarts.search(config)
    ends = StagesOfSearch(config, run_dir / "search").ends
    cost = fixed = 0.0
    seconds = [each / BRIEF for each in seconds_between(run_dir)]
    for start, end in zip([0, *ends], ends):
        last, warm = seconds[end - 2], seconds[start]
        if end - start == length:
            cost += (1 - share) * last + share * warm
        else:  # Decisions after the search have epochs of their own.
            fixed += (end - start) * last
    epochs = max(round((60 * given.minutes - fixed) / cost), 2)
    return epochs, round(share * epochs)


def scorer(space):
    """Returns functions of a genotype: its score, and its percentile."""
    import numpy as np

    from tfdarts.evaluators import nas_bench_201_table
    from tfdarts.evaluators import surrogate

    if space == "nas_bench_201":
        cells = nas_bench_201_table.known_space()

        def score(genotype):
            return nas_bench_201_table.row_of(genotype).test_accuracy

    else:
        cells = surrogate.known_space()

        def score(genotype):
            if genotype.num_skip_connections >= COLLAPSED:
                return 0.0
            return surrogate.predict(surrogate.encode(genotype))[0]

    drawn = np.array([score(cells.sample(seed)) for seed in range(RANDOM)])

    def percentile(value):
        return float(100 * np.mean(drawn < value))

    return score, percentile, cells


def judge_epochs(space, run_dir):
    """Returns a dict of each epoch: its score, percentile and skips.

    Args:
        space: `CellSearchSpace` of the search.
        run_dir: Path.
    """
    from tfdarts import Genotype
    from tfdarts.records.probabilities import read_probabilities

    score, percentile, cells = scorer(space.name)
    probabilities = read_probabilities(run_dir / "search")
    count = len(next(iter(probabilities.values()))) - 1
    found = []
    for epoch in range(1, count + 1):
        file = run_dir / "search" / "genotypes" / f"epoch_{epoch}.json"
        genotype = own = Genotype.load(file)
        if own not in cells:
            # Rules that keep other numbers of edges: that of DARTS instead.
            genotype = space.derive(
                {name: each[epoch] for name, each in probabilities.items()}
            )
        value = score(genotype)
        found.append(
            {
                "epoch": epoch,
                "score": round(value, 5),
                "percentile": round(percentile(value), 1),
                "skips": genotype.num_skip_connections,
                "by_rule_of_darts": genotype is not own,
            }
        )
    return found


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
    if not results.exists():
        return set()
    rows = [json.loads(line) for line in results.read_text().splitlines()]
    return {tuple(row[key] for key in KEYS) for row in rows}


def run_all(given):
    """Runs what is not finished, one process after the other."""
    given.work_dir.mkdir(parents=True, exist_ok=True)
    place = given.work_dir / f"{given.minutes:g}_minutes"
    place.mkdir(exist_ok=True)
    given.results.parent.mkdir(parents=True, exist_ok=True)
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
        with given.results.open("a") as file:
            file.write(ran.stdout.splitlines()[-1] + "\n")
    print_table(given)


def print_table(given):
    """Prints the percentiles of each method at quarters of its epochs."""
    rows = {}
    if given.results.exists():
        for line in given.results.read_text().splitlines():
            row = json.loads(line)
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
