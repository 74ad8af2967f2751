"""tfdarts-search."""

import dataclasses

from tfdarts.cli.command import Command
from tfdarts.cli.command import next_command
from tfdarts.cli.command import settings_from_flagfile
from tfdarts.cli.command import settings_of
from tfdarts.runs.configs import RunConfig
from tfdarts.runs.configs import SearchConfig
from tfdarts.runs.configs import TrainConfig
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
        _describe_data(config, values["arguments"])
        return
    following = _training_of(config, values["train_flagfile"])
    from tfdarts.runs.search import search

    genotype = search(config)
    print(genotype.to_json(), end="")
    print(following)


def _training_of(config, flagfile):
    """Returns the command that trains what the search finds, on its data."""
    settings = (
        settings_from_flagfile(TrainConfig, flagfile)
        if flagfile
        else TrainConfig()
    )
    names = (field.name for field in dataclasses.fields(RunConfig))
    flags = {
        name: getattr(config, name)
        for name in names
        if getattr(config, name) != getattr(settings, name)
    }
    words = [f"--flagfile={flagfile}"] if flagfile else []
    return next_command("tfdarts-train", *words, **flags)


def _describe_data(config, arguments):
    """Prints what the data are, and the same command without the flag."""
    from tfdarts.data.sources import directory_name
    from tfdarts.runs.data import describe_data

    print(describe_data(config))
    words = [word for word in arguments if "describe_data" not in word]
    if not config.run_dir:
        words.append(f"--run_dir=runs/{directory_name(config.dataset)}")
    print(next_command("tfdarts-search", *words))


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
