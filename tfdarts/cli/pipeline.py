"""tfdarts-pipeline."""

import dataclasses
import pathlib

from tfdarts.cli.command import Command
from tfdarts.cli.command import next_command
from tfdarts.cli.command import settings_from_flagfile
from tfdarts.cli.command import settings_of
from tfdarts.cli.search import TrainFlagfile
from tfdarts.runs.configs import SearchConfig
from tfdarts.runs.configs import TrainConfig
from tfdarts.runs.settings import RunConfig


def run(values):
    """Does all stages, prints the results and what to do with them."""
    search_config = settings_of(SearchConfig, values)
    if not values["train_flagfile"]:
        raise ValueError(
            "A pipeline needs the settings of the training: give "
            "--train_flagfile."
        )
    train_config = settings_from_flagfile(
        TrainConfig,
        values["train_flagfile"],
        **{
            field.name: getattr(search_config, field.name)
            for field in dataclasses.fields(RunConfig)
        },
    )
    from tfdarts.runs.pipeline import pipeline

    results = pipeline(search_config, train_config)
    run_dir = search_config.run_dir
    print(f"Test accuracy   {results['test_accuracy']:.2%}")
    print(f"Parameters      {results['num_parameters']:,}")
    print(f"Genotype        {run_dir}/genotype.json")
    print(f"Drawings        {run_dir}/cells")
    print(f"SavedModel      {results['saved_model']}")
    directory = pathlib.Path(results["saved_model"]).parent
    print(
        next_command("tfdarts-predict", export_dir=directory, images="IMAGES")
    )


command = Command(
    name="tfdarts-pipeline",
    summary="From data to a server in one go: searches a cell, draws it, "
    "trains its\nnetwork, tests and exports it. The flags are those of "
    "tfdarts-search.",
    examples=(
        "tfdarts-pipeline --flagfile=configs/digits.cfg --run_dir=runs/digits",
        "tfdarts-pipeline --flagfile=configs/digits.cfg --seed=1 "
        "--run_dir=runs/digits1",
    ),
    settings=(SearchConfig, TrainFlagfile),
    run=run,
)
main = command.main
