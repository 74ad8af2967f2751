"""Found recurrent cells against random ones, LSTM and GRU, on Python's English.

    python benchmarks/recurrent_quality.py --work_dir=runs/pydoc_study

For each seed it runs the pipeline of configs/pydoc.cfg, and with the very same
settings the training of a random genotype, of an LSTM and of a GRU, both with
as many weights as the others. It prints the table of docs/text.md. What has
finished already is not run again.
"""

import argparse
import json
import pathlib
import statistics

from digits import run

# Of as many weights as 160 units of a genotype's cell: 844,143.
HAND_MADE = {"lstm": 220, "gru": 240}


def obtain(kind, run_dir, seed):
    """Runs all there is to a network of a kind; returns its results."""
    flags = [f"--seed={seed}", f"--run_dir={run_dir}"]
    if kind == "found":
        run("tfdarts-pipeline", "--flagfile=configs/pydoc.cfg", *flags)
    elif kind == "random":
        flags.append(f"--genotype=random:{seed}")
    else:
        flags += [f"--cell={kind}", f"--units={HAND_MADE[kind]}"]
    results = run_dir / "train" / "results.json"
    if kind != "found":
        run("tfdarts-train", "--flagfile=configs/pydoc_train.cfg", *flags)
        if "test_perplexity" not in json.loads(results.read_text()):
            run("tfdarts-evaluate", f"--run_dir={run_dir}")
    return json.loads(results.read_text())


def main():
    """Runs the study and prints its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work_dir", type=pathlib.Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--kinds", default="found,random,lstm,gru")
    arguments = parser.parse_args()
    print(
        "| cell | test perplexity | median | mean ± deviation | weights |\n"
        "| --- | --- | --- | --- | --- |"
    )
    for kind in arguments.kinds.split(","):
        results = [
            obtain(kind, arguments.work_dir / f"{kind}{seed}", seed)
            for seed in range(arguments.seeds)
        ]
        figures = [each["test_perplexity"] for each in results]
        print(
            f"| {kind} | {', '.join(f'{x:.1f}' for x in figures)} "
            f"| {statistics.median(figures):.1f} "
            f"| {statistics.mean(figures):.1f} ± "
            f"{statistics.stdev(figures):.1f} "
            f"| {results[0]['num_parameters']:,} |",
            flush=True,
        )
    for name in ("bigram", "trigram"):
        figure = results[0][f"{name}_perplexity"]
        print(f"| Kneser-Ney {name} | {figure:.1f} | | | |")


if __name__ == "__main__":
    main()
