"""How the cost of a step grows with the size of the search.

    python benchmarks/growth.py --order=2

One size after another is doubled or halved about setting S, each measurement
a process of its own, and a power is fitted: cost = c size^exponent, by least
squares of the logarithms. What does not grow, as the time to start an
operation, makes small sizes dearer than the power says and the exponent less
than what large sizes would show.
"""

import argparse
import sys

import numpy as np
import search_step

S = {"channels": 8, "cells": 5, "batch": 32, "image": 28}
SIZES = {
    "channels": (4, 8, 16, 32),
    "cells": (3, 5, 8, 12),
    "batch": (8, 16, 32, 64),
    "image": (14, 20, 28, 40),
}
COSTS = {
    "step": lambda row: row["median_step_s"],
    "first step": lambda row: row["first_step_s"],
    "memory": lambda row: row["peak_memory_mb"] - row["import_memory_mb"],
}


def exponent(sizes, costs):
    """The power that fits best, and the largest relative miss of it."""
    sizes, costs = np.log(sizes), np.log(costs)
    power, constant = np.polyfit(sizes, costs, 1)
    miss = np.abs(np.exp(power * sizes + constant - costs) - 1).max()
    return power, miss


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--order", type=int, choices=(0, 1, 2), default=2)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()

    def command(name, size):
        values = {**S, name: size}.values()
        return [
            sys.executable,
            search_step.__file__,
            "--measure=tfdarts",
            f"--size={','.join(map(str, values))}",
            f"--order={given.order}",
            f"--steps={given.steps}",
        ]

    print(
        "| | sizes | step, s | "
        + " | ".join(f"{c} grows as" for c in COSTS)
        + " |"
    )
    print("| --- | --- | --- |" + " --- |" * len(COSTS))
    for name, sizes in SIZES.items():
        rows = search_step.measure_in_turn(
            [command(name, size) for size in sizes], given.rounds
        )
        cells = [
            name,
            ", ".join(map(str, sizes)),
            ", ".join(f"{row['median_step_s']:.2f}" for row in rows),
        ]
        for cost in COSTS.values():
            power, miss = exponent(sizes, [cost(row) for row in rows])
            cells.append(f"{name}^{power:.2f} (within {miss:.0%})")
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
