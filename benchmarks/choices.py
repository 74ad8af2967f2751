"""What each choice between time, memory and exactness costs.

    python benchmarks/choices.py --setting=S --rounds=3

The choices take turns, each in a process of its own; ratios are to the first
row, the default. That the choices compute the same is for the tests.
"""

import argparse
import sys

import search_step

CHOICES = {
    "second order": (),
    "one-sided difference": ("--method=one_sided_difference",),
    "exact product": ("--method=exact",),
    "recomputed cells": ("--recompute",),
    "2 micro-batches": ("--micro_batches=2",),
    "4 micro-batches": ("--micro_batches=4",),
    "4 micro-batches, recomputed": ("--micro_batches=4", "--recompute"),
    "first order": ("--order=1",),
    "first order, bfloat16": ("--order=1", "--precision=bfloat16"),
    "first order, recomputed": ("--order=1", "--recompute"),
    "weights alone": ("--order=0",),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--setting", choices=search_step.SETTINGS, default="S")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    rows = search_step.measure_in_turn(
        [
            [
                sys.executable,
                search_step.__file__,
                "--measure=tfdarts",
                f"--setting={given.setting}",
                f"--steps={given.steps}",
                *flags,
            ]
            for flags in CHOICES.values()
        ],
        given.rounds,
    )
    print(
        "| choice | first step, s | step, s | relative to the default | "
        "peak memory above the import baseline, MB |\n"
        "| --- | ---: | ---: | ---: | ---: |"
    )
    for name, row in zip(CHOICES, rows):
        memory = row["peak_memory_mb"] - row["import_memory_mb"]
        ratio = row["median_step_s"] / rows[0]["median_step_s"]
        print(
            f"| {name} | {row['first_step_s']:.1f} | "
            f"{row['median_step_s']:.2f} | {ratio:.2f} | {memory:,.0f} |"
        )


if __name__ == "__main__":
    main()
