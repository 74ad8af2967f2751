"""Does searching help? Cells found and drawn, on a slice of Fashion-MNIST.

    apt-get install dataset-fashion-mnist
    python benchmarks/search_quality.py --work_dir=runs/quality

For each seed it takes a cell in four ways, and trains and tests the network
of each in the same way:

- second order: a search of 6 epochs;
- first order: a search of 15, which costs about as much;
- best of 4 random: drawn uniformly from the search space, each trained for 4
  epochs, the best on validation images taken (tfdarts-select), which costs
  less than a third of that;
- random: the first of those, which costs nothing.

Searches and selections read the first 4,000 training images, made 16x16, and
so do the trainings; all 10,000 test images are read once, at the end. Prints
a table; what has finished already is not run again. It takes about an hour
and a half on one core, so `taskset -c 0` leaves the others free.
"""

import argparse
import gzip
import json
import pathlib
import statistics
import struct
import subprocess
import sysconfig

DEBIAN = pathlib.Path("/usr/share/datasets/fashion-mnist")
SLICE = {"train": 4000, "t10k": 10000}
CANDIDATES = 4

COMMON = ("--image_size=16", "--crop_padding=2", "--random_flip=on")
SEARCH = (
    *("--init_channels=4", "--num_cells=5", "--batch_size=64"),
    *("--learning_rate=0.1", "--alpha_learning_rate=0.1"),
    "--alpha_weight_decay=1e-4",
)
TRAINING = (
    *("--init_channels=8", "--num_cells=5", "--batch_size=64"),
    *("--learning_rate=0.1", "--drop_path_rate=0", "--auxiliary_weight=0"),
)


def run(command, work_dir, *flags):
    """Runs a command of tfdarts on the slice."""
    program = pathlib.Path(sysconfig.get_path("scripts")) / command
    data = f"--dataset=idx:{work_dir / 'data'}"
    subprocess.run([program, data, *COMMON, *flags], check=True)


def write_slice(directory):
    """Copies the first images and labels, uncompressed."""
    directory.mkdir(parents=True, exist_ok=True)
    for prefix, count in SLICE.items():
        for kind, header, size in (
            ("images-idx3", 16, 784),
            ("labels-idx1", 8, 1),
        ):
            name = f"{prefix}-{kind}-ubyte"
            with gzip.open(DEBIAN / f"{name}.gz") as file:
                start = file.read(header)
                values = file.read(count * size)
            start = start[:4] + struct.pack(">I", count) + start[8:]
            (directory / name).write_bytes(start + values)


def search_cell(order, epochs):
    """Returns the way of obtaining a cell by a search, and its seconds."""

    def obtain(work_dir, seed):
        run_dir = work_dir / f"order{order}_{seed}"
        run(
            "tfdarts-search",
            work_dir,
            *SEARCH,
            *(f"--order={order}", f"--epochs={epochs}", f"--seed={seed}"),
            f"--run_dir={run_dir}",
        )
        status = json.loads((run_dir / "search" / "status.json").read_text())
        return run_dir, status["seconds"]

    return obtain


def name_random_cell(seed, number=0):
    """Returns the name of a random genotype, another for each seed."""
    return f"random:{CANDIDATES * seed + number}"


def select_cell(work_dir, seed):
    """Returns the best of a few random cells, and the seconds it took."""
    run_dir = work_dir / f"selected{seed}"
    candidates = ",".join(
        name_random_cell(seed, number) for number in range(CANDIDATES)
    )
    run(
        "tfdarts-select",
        work_dir,
        *TRAINING,
        *(f"--run_dirs={candidates}", "--epochs=4", f"--seed={seed}"),
        f"--run_dir={run_dir}",
    )
    ranking = json.loads((run_dir / "selection.json").read_text())
    return run_dir, sum(row["seconds"] for row in ranking)


WAYS = {
    "second order": search_cell(order=2, epochs=6),
    "first order": search_cell(order=1, epochs=15),
    f"best of {CANDIDATES} random": select_cell,
    "random": lambda work_dir, seed: (name_random_cell(seed), 0.0),
}


def test_network(work_dir, way, genotype, seed):
    """Trains and tests a cell's network; returns its results."""
    run_dir = work_dir / f"trained_{way.replace(' ', '_')}_{seed}"
    run(
        "tfdarts-train",
        work_dir,
        *TRAINING,
        *(f"--genotype={genotype}", "--epochs=15", f"--seed={seed}"),
        f"--run_dir={run_dir}",
    )
    results = run_dir / "train" / "results.json"
    if "test_accuracy" not in json.loads(results.read_text()):
        program = pathlib.Path(sysconfig.get_path("scripts"))
        subprocess.run(
            [program / "tfdarts-evaluate", f"--run_dir={run_dir}"], check=True
        )
    settings = json.loads((run_dir / "train" / "config.json").read_text())
    edges = settings["genotype"]["normal"]
    skips = sum(operation == "skip_connect" for operation, _ in edges)
    return {**json.loads(results.read_text()), "skips": skips}


def main():
    """Runs the study and prints its table."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--work_dir", type=pathlib.Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    work_dir = arguments.work_dir.resolve()
    write_slice(work_dir / "data")
    results = {way: [] for way in WAYS}
    for seed in range(arguments.seeds):
        for way, obtain in WAYS.items():
            genotype, seconds = obtain(work_dir, seed)
            row = test_network(work_dir, way, genotype, seed)
            results[way].append({**row, "cost": seconds})
    print(
        "| cells | test accuracy of each seed, % | mean ± deviation | skips "
        "in the normal cell | weights | seconds to find it |"
    )
    print("| --- | --- | --- | --- | ---: | ---: |")
    for way, rows in results.items():
        accuracies = [100 * row["test_accuracy"] for row in rows]
        means = {
            name: statistics.mean(row[name] for row in rows)
            for name in ("num_parameters", "cost")
        }
        print(
            f"| {way} | {', '.join(f'{a:.2f}' for a in accuracies)} "
            f"| {statistics.mean(accuracies):.2f} ± "
            f"{statistics.stdev(accuracies):.2f} "
            f"| {', '.join(str(row['skips']) for row in rows)} "
            f"| {means['num_parameters']:,.0f} | {means['cost']:.0f} |"
        )


if __name__ == "__main__":
    main()
