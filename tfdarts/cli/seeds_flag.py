"""The flag for several seeds, and tables of their results."""

import dataclasses

from tfdarts import arguments
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import setting
from tfdarts.table import format_value
from tfdarts.table import table


@dataclasses.dataclass(frozen=True)
class Seeds(Settings):
    """The seeds of a run's networks."""

    seeds: str = setting(
        None,
        "Seeds separated by commas, such as 0,1,2: one network per seed, in "
        "seed0/ and so on in --run_dir. Results are means and sample "
        "standard deviations.",
        form=arguments.seeds,
    )


def seeds_table(summary):
    """Returns a table of metrics over seeds.

    Args:
        summary: Dict of dicts with `mean`, `std` and `values`.
    """
    rows = [
        (
            name,
            format_value(figure["mean"]),
            "" if figure["std"] is None else f"{figure['std']:.2g}",
            "  ".join(map(format_value, figure["values"])),
        )
        for name, figure in summary.items()
    ]
    return table(("figure", "mean", "deviation", "of each seed"), rows)
