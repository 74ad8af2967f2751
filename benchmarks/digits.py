"""Found cells against random cells on the digits, at the same training cost.

    python benchmarks/digits.py --work_dir=runs/study

For each seed it runs the pipeline of configs/digits.cfg, and the training of
a random genotype with the very same settings. It prints the table of the
README. What has finished already is not run again.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sysconfig


def run(command, *flags):
    """Runs a command of tfdarts."""
    program = pathlib.Path(sysconfig.get_path("scripts")) / command
    subprocess.run([program, *flags], check=True)


def run_pipeline(run_dir, seed):
    """Searches, trains and tests."""
    run(
        "tfdarts-pipeline",
        "--flagfile=configs/digits.cfg",
        f"--seed={seed}",
        f"--run_dir={run_dir}",
    )


def train_random_cell(run_dir, seed):
    """Trains and tests a random genotype."""
    run(
        "tfdarts-train",
        "--flagfile=configs/digits_train.cfg",
        f"--genotype=random:{seed}",
        f"--seed={seed}",
        f"--run_dir={run_dir}",
    )
    run("tfdarts-evaluate", f"--run_dir={run_dir}")


def main():
    """Runs the study and prints its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work_dir", type=pathlib.Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    rows = []
    for kind, obtain in (
        ("found", run_pipeline),
        ("random", train_random_cell),
    ):
        accuracies, parameters = [], []
        for seed in range(arguments.seeds):
            run_dir = arguments.work_dir / f"{kind}{seed}"
            obtain(run_dir, seed)
            results = json.loads(
                (run_dir / "train" / "results.json").read_text()
            )
            accuracies.append(100 * results["test_accuracy"])
            parameters.append(results["num_parameters"])
        each = ", ".join(f"{accuracy:.2f}" for accuracy in accuracies)
        rows.append(
            f"| {kind} | {each} | {statistics.median(accuracies):.2f} "
            f"| {statistics.mean(accuracies):.2f} ± "
            f"{statistics.stdev(accuracies):.2f} "
            f"| {statistics.mean(parameters):,.0f} |"
        )
    print("| cells | test accuracy, % | median | mean ± deviation | weights |")
    print("| --- | --- | --- | --- | --- |")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
