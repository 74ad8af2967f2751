"""The same with several seeds."""

import dataclasses

from tfdarts.cli.table import shown
from tfdarts.cli.table import table
from tfdarts.runs.settings import Settings
from tfdarts.runs.settings import setting


@dataclasses.dataclass(frozen=True)
class Seeds(Settings):
    """Which networks there are of a run."""

    seeds: str = setting(
        None,
        "Seeds with commas between them, as 0,1,2: a network for each, in "
        "seed0/ and so on of --run_dir; mean, and standard deviation as of a "
        "sample.",
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
    seeds = [int(part) for part in parts if part.isdecimal()]
    different = len({*seeds}) == len(parts)
    if not different or max(seeds) >= 2**32:
        raise ValueError(
            f"--seeds must be different integers below 2**32 with commas "
            f"between them, as 0,1,2. Received: {text!r}."
        )
    return seeds


def seeds_table(summary):
    """Returns a table of figures over seeds.

    Args:
        summary: Dict of dicts with `mean`, `std` and `values`.
    """
    rows = [
        (
            name,
            shown(figure["mean"]),
            "" if figure["std"] is None else f"{figure['std']:.2g}",
            "  ".join(map(shown, figure["values"])),
        )
        for name, figure in summary.items()
    ]
    return table(("figure", "mean", "deviation", "of each seed"), rows)
