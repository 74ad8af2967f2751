"""tfdarts-pipeline."""

import logging
import pathlib

from tfdarts.cli import kinds
from tfdarts.cli.command import Command
from tfdarts.cli.command import next_command
from tfdarts.cli.command import settings_of
from tfdarts.cli.search import say_warning
from tfdarts.cli.training_flags import TrainFlagfile
from tfdarts.cli.training_flags import given_training
from tfdarts.cli.training_flags import stages_of_flags
from tfdarts.cli.training_flags import training_flags

logger = logging.getLogger("tfdarts")


def run(values):
    """Does all stages, prints the results and what to do with them."""
    kind = values["kind"]
    search_config = settings_of(kinds.SEARCH[kind], values)
    given = given_training(values)
    # For images the preset chooses them.
    chosen = kind == "images" or values["train_flagfile"] or "epochs" in given
    if not chosen:
        raise ValueError(
            "A pipeline on a text needs the settings of the training: give "
            "--train_flagfile, or at the least --train_epochs."
        )
    shared = kinds.shared_settings(search_config, kind)
    try:
        train_config = kinds.training_of(
            values["train_flagfile"], kind, **given, **shared
        )
    except ValueError as error:
        raise ValueError(f"Settings of the training: {error}") from error
    for line in stages_of_flags(values):
        logger.info("pipeline: %s", line)
    from tfdarts.runs.pipeline import pipeline

    results = pipeline(search_config, train_config)
    run_dir = search_config.run_dir
    print(_achieved(results))
    print(f"Parameters      {results['num_parameters']:,}")
    print(f"Genotype        {run_dir}/genotype.json")
    print(f"Drawings        {run_dir}/cells")
    print(f"SavedModel      {results['saved_model']}")
    directory = pathlib.Path(results["saved_model"]).parent
    asked = {"images": {"images": "IMAGES"}, "texts": {"text": "WORDS"}}
    print(next_command("tfdarts-predict", export_dir=directory, **asked[kind]))
    say_warning(run_dir)


def _achieved(results):
    """Returns how good the network is, in a line or, of a text, in three."""
    if "test_accuracy" in results:
        return f"Test accuracy   {results['test_accuracy']:.2%}"
    lines = (
        ("Test perplexity", "test"),
        ("Bigram's", "bigram"),
        ("Trigram's", "trigram"),
    )
    return "\n".join(
        f"{title:<15} {results[f'{name}_perplexity']:.2f}"
        for title, name in lines
    )


command = Command(
    name="tfdarts-pipeline",
    summary="From data to a server in one go: searches a cell, draws it, "
    "trains its\nnetwork, tests and exports it.\n\nData, seed and devices are "
    "those of both stages. Other flags are of the search;\nthose of the "
    "training begin with train_, as --epochs=50 --train_epochs=600.",
    examples=(
        "tfdarts-pipeline --flagfile=configs/digits.cfg --run_dir=runs/digits",
        "tfdarts-pipeline --flagfile=configs/digits.cfg --seed=1 "
        "--run_dir=runs/digits1",
        "tfdarts-pipeline --flagfile=configs/digits.cfg --epochs=2 "
        "--train_epochs=3 --run_dir=runs/short",
        "tfdarts-pipeline --flagfile=configs/pydoc.cfg --run_dir=runs/pydoc",
    ),
    settings={
        kind: (config, TrainFlagfile, training_flags(kind))
        for kind, config in kinds.SEARCH.items()
    },
    run=run,
)
main = command.main
