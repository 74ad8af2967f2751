"""tfdarts-search."""

import dataclasses

from tfdarts.cli import kinds
from tfdarts.cli.command import Command
from tfdarts.cli.command import next_command
from tfdarts.cli.command import settings_of
from tfdarts.cli.training_flags import TrainFlagfile
from tfdarts.cli.training_flags import given_training
from tfdarts.cli.training_flags import training_flags
from tfdarts.runs.configs import TrainConfig
from tfdarts.runs.settings import Settings
from tfdarts.runs.settings import setting


@dataclasses.dataclass(frozen=True)
class Looks(Settings):
    """What to look at instead of searching."""

    describe_data: bool = setting(
        False,
        "Read the whole data set, say what it is, and do nothing else. It is "
        "the way to check data before work.",
    )
    dry_run: bool = setting(
        False,
        "Do one step of everything, say what the search would cost on this "
        "machine, and leave nothing.",
    )


def run(values):
    """Searches, prints the genotype found and the next command."""
    config = settings_of(kinds.SEARCH[values["kind"]], values)
    if values["describe_data"]:
        _describe_data(config)
    if values["dry_run"]:
        _dry_run(config)
    if values["describe_data"] or values["dry_run"]:
        print(_without_looks(config, values["arguments"]))
    else:
        _search(config, values)


def _search(config, values):
    """Searches; prints the genotype and the command that trains it."""
    following = _training_of(config, values)
    from tfdarts.runs.search import search

    genotype = search(config)
    print(genotype.to_json(), end="")
    print(following)


def _training_of(config, values):
    """Returns the command that trains what the search finds, on its data."""
    train_flagfile, kind = values["train_flagfile"], values["kind"]
    given = given_training(values)
    words = []
    # What a command line that says nothing of it is of.
    default = {"dataset": TrainConfig.dataset}
    training = kinds.training_of(train_flagfile, kind, **given)
    if train_flagfile:
        words, default = [f"--flagfile={train_flagfile}"], {}
    default = {**kinds.shared_settings(training, kind), **default}
    flags = {
        name: value
        for name, value in kinds.shared_settings(config, kind).items()
        if value != default[name]
    }
    return next_command("tfdarts-train", *words, **given, **flags)


def _describe_data(config):
    from tfdarts.runs.data import describe_data

    print(describe_data(config))


def _dry_run(config):
    from tfdarts.runs.dry_run import dry_run
    from tfdarts.runs.duration import duration

    cost = dry_run(config)
    print(
        f"First step   {duration(cost['first_step_seconds'])}, with the "
        f"building of the graphs\n"
        f"A step       {cost['step_seconds']:.3g} s\n"
        f"An epoch     {duration(cost['epoch_seconds'])}, "
        f"{cost['steps_per_epoch']:,} steps and the validation\n"
        f"The search   {duration(cost['search_seconds'])}, "
        f"{config.epochs:,} epochs\n"
        f"Memory       {cost['memory_bytes'] / 1e9:.2f} GB\n"
        f"Waiting      {cost['data_wait']:.1%} of a step, for data"
    )


def _without_looks(config, arguments):
    """Returns the command that searches after all."""
    from tfdarts.data.sources import directory_name

    looks = [field.name for field in dataclasses.fields(Looks)]
    words = [w for w in arguments if w.strip("-").split("=")[0] not in looks]
    if not config.run_dir:
        words.append(f"--run_dir=runs/{directory_name(config.dataset)}")
    return next_command("tfdarts-search", *words)


command = Command(
    name="tfdarts-search",
    summary="Searches a cell on your data by gradient descent (DARTS). The "
    "flags that begin\nwith train_ change nothing here: they stand in the "
    "command that it prints at its\nend, which trains the network found.",
    examples=(
        "tfdarts-search --flagfile=configs/digits.cfg --run_dir=runs/digits",
        "tfdarts-search --order=1 --epochs=30 --run_dir=runs/first_order",
        "tfdarts-search --dataset=folder:flowers --describe_data",
        "tfdarts-search --flagfile=configs/digits.cfg --dry_run",
        "tfdarts-search --flagfile=configs/pydoc.cfg --run_dir=runs/pydoc",
    ),
    settings={
        kind: (config, TrainFlagfile, training_flags(kind), Looks)
        for kind, config in kinds.SEARCH.items()
    },
    run=run,
)
main = command.main
