"""tfdarts-pipeline."""

import pathlib

from tfdarts.cli import kinds
from tfdarts.cli.command import Command
from tfdarts.cli.command import next_command
from tfdarts.cli.command import settings_of
from tfdarts.cli.search import TrainFlagfile


def run(values):
    """Does all stages, prints the results and what to do with them."""
    kind = values["kind"]
    search_config = settings_of(kinds.SEARCH[kind], values)
    if not values["train_flagfile"]:
        raise ValueError(
            "A pipeline needs the settings of the training: give "
            "--train_flagfile."
        )
    train_config = kinds.training_of(
        values["train_flagfile"],
        kind,
        **kinds.shared_settings(search_config, kind),
    )
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
    "trains its\nnetwork, tests and exports it. The flags are those of "
    "tfdarts-search.",
    examples=(
        "tfdarts-pipeline --flagfile=configs/digits.cfg --run_dir=runs/digits",
        "tfdarts-pipeline --flagfile=configs/digits.cfg --seed=1 "
        "--run_dir=runs/digits1",
        "tfdarts-pipeline --flagfile=configs/pydoc.cfg --run_dir=runs/pydoc",
    ),
    settings={
        kind: (config, TrainFlagfile) for kind, config in kinds.SEARCH.items()
    },
    run=run,
)
main = command.main
