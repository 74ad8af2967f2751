"""tfdarts-search."""

import dataclasses

from tfdarts.cli.command import Command
from tfdarts.cli.command import settings_of
from tfdarts.runs.configs import SearchConfig
from tfdarts.runs.configs import setting


@dataclasses.dataclass(frozen=True)
class TrainFlagfile:
    """How the network of a found cell is to be trained."""

    train_flagfile: str = setting(
        None, "File of flags for the training of the network found."
    )


def run(values):
    """Searches, prints the genotype found and the next command."""
    from tfdarts.runs.search import search

    config = settings_of(SearchConfig, values)
    genotype = search(config)
    print(genotype.to_json(), end="")
    flagfile = values["train_flagfile"]
    flagfile = f" --flagfile={flagfile}" if flagfile else ""
    print(f"Next: tfdarts-train{flagfile} --run_dir={config.run_dir}")


command = Command(
    name="tfdarts-search",
    summary="Searches a cell on your data by gradient descent (DARTS).",
    examples=(
        "tfdarts-search --flagfile=configs/digits.cfg --run_dir=runs/digits",
        "tfdarts-search --order=1 --epochs=30 --run_dir=runs/first_order",
    ),
    settings=(SearchConfig, TrainFlagfile),
    run=run,
)
main = command.main
