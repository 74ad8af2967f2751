"""tfdarts-search."""

import dataclasses
import shlex

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


@dataclasses.dataclass(frozen=True)
class DataReport:
    """Whether to look at the data instead of searching."""

    describe_data: bool = setting(
        False,
        "Read the whole data set, say what it is, and do nothing else. It is "
        "the way to check data before work.",
    )


def run(values):
    """Searches, prints the genotype found and the next command."""
    config = settings_of(SearchConfig, values)
    if values["describe_data"]:
        _describe_data(config)
        return
    from tfdarts.runs.search import search

    genotype = search(config)
    print(genotype.to_json(), end="")
    flagfile = values["train_flagfile"]
    flagfile = f" --flagfile={flagfile}" if flagfile else ""
    print(f"Next: tfdarts-train{flagfile} --run_dir={config.run_dir}")


def _describe_data(config):
    """Prints what the data are and the next command."""
    from tfdarts.data.sources import directory_name
    from tfdarts.runs.data import describe_data

    print(describe_data(config))
    size = f" --image_size={config.image_size}" if config.image_size else ""
    print(
        f"Next: tfdarts-search --dataset={shlex.quote(config.dataset)}{size} "
        f"--run_dir=runs/{directory_name(config.dataset)}"
    )


command = Command(
    name="tfdarts-search",
    summary="Searches a cell on your data by gradient descent (DARTS).",
    examples=(
        "tfdarts-search --flagfile=configs/digits.cfg --run_dir=runs/digits",
        "tfdarts-search --order=1 --epochs=30 --run_dir=runs/first_order",
        "tfdarts-search --dataset=folder:flowers --describe_data",
    ),
    settings=(SearchConfig, TrainFlagfile, DataReport),
    run=run,
)
main = command.main
