"""The same with several seeds."""

import dataclasses

from tfdarts.cli.table import table
from tfdarts.runs.settings import Settings
from tfdarts.runs.settings import setting


@dataclasses.dataclass(frozen=True)
class Seeds(Settings):
    """Which networks there are of a run."""

    seeds: str = setting(
        None,
        "Seeds with commas between them, as 0,1,2: one network for each, in "
        "seed0/ and so on of --run_dir, instead of one of --seed; mean and "
        "standard deviation.",
    )

    def __post_init__(self):
        super().__post_init__()
        parsed_seeds(self.seeds)


def parsed_seeds(text):
    """Returns the seeds as a list of integers; empty without any.

    Raises:
        ValueError: If they are no list of different seeds.

    Example:

    >>> parsed_seeds("0,1,2"), parsed_seeds(None)
    ([0, 1, 2], [])
    """
    if text is None:
        return []
    parts = [part.strip() for part in text.split(",")]
    if not all(map(str.isdecimal, parts)) or len({*parts}) < len(parts):
        raise ValueError(
            f"--seeds must be different integers with commas between them, as "
            f"0,1,2. Received: {text!r}."
        )
    return [int(part) for part in parts]


def seeds_table(summary):
    """Returns a table of figures over seeds.

    Args:
        summary: Dict of dicts with `mean`, `std` and `values`.
    """
    rows = [
        (
            name,
            f"{figure['mean']:.6g}",
            "" if figure["std"] is None else f"{figure['std']:.2g}",
            "  ".join(f"{value:.6g}" for value in figure["values"]),
        )
        for name, figure in summary.items()
    ]
    return table(("figure", "mean", "deviation", "of each seed"), rows)
