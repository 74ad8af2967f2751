"""The command `tfdarts-pipeline`."""

import logging
import pathlib

from tfdarts.cli.command import Command
from tfdarts.cli.command import next_command
from tfdarts.cli.command import settings_of
from tfdarts.cli.search_command import print_warning
from tfdarts.cli.training_flags import TrainFlagfile
from tfdarts.cli.training_flags import given_training
from tfdarts.cli.training_flags import refuse_idle_training
from tfdarts.cli.training_flags import require_bounded_network
from tfdarts.cli.training_flags import shared_settings
from tfdarts.cli.training_flags import stages_of_flags
from tfdarts.cli.training_flags import training_flags
from tfdarts.cli.training_flags import training_of
from tfdarts.runs.search_configs import search_config_class_of

logger = logging.getLogger("tfdarts")


def run(values):
    """Runs all stages; prints the results and the next command."""
    task = values["task"]
    config_class = search_config_class_of(values, task)
    search_config = settings_of(config_class, values)
    given = given_training(values)
    if not values["train_flagfile"]:
        task.require_training_settings(given)
    shared = shared_settings(search_config, task)
    try:
        train_config = training_of(
            values["train_flagfile"], task, **given, **shared
        )
    except ValueError as error:
        raise ValueError(f"Settings of the training: {error}") from error
    refuse_idle_training(train_config, search_config, values)
    require_bounded_network(search_config, train_config)
    for line in stages_of_flags(values):
        logger.info("pipeline: %s", line)
    from tfdarts.runs.pipeline import pipeline

    results = pipeline(search_config, train_config)
    run_dir = search_config.run_dir
    print(task.headline(results))
    print(f"Parameters      {results['num_parameters']:,}")
    print(f"Genotype        {run_dir}/genotype.json")
    print(f"Drawings        {run_dir}/cells")
    print(f"SavedModel      {results['saved_model']}")
    directory = pathlib.Path(results["saved_model"]).parent
    words = {"export_dir": directory, **task.example_question}
    print(next_command("tfdarts-predict", **words))
    print_warning(run_dir)


command = Command(
    name="tfdarts-pipeline",
    summary="Searches a cell, draws the cell, trains its network, tests the "
    "network and\nexports it for a server.\n\nFlags of the data, seed and "
    "devices apply to both stages. Other flags are of\nthe search; flags of "
    "the training begin with train_, such as --epochs=50\n"
    "--train_epochs=600.",
    settings=lambda task, parts: (
        search_config_class_of(parts, task),
        TrainFlagfile,
        training_flags(task),
    ),
    examples=(
        "tfdarts-pipeline --strategy=random --num_candidates=8 "
        "--run_dir=runs/random",
    ),
    has_strategy=True,
    run=run,
)
main = command.main
