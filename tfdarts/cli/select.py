"""tfdarts-select."""

from tfdarts.cli import kinds
from tfdarts.cli.command import Command
from tfdarts.cli.command import next_command
from tfdarts.cli.command import settings_of
from tfdarts.table import table


def run(values):
    """Ranks the candidates, prints the table and the next command."""
    from tfdarts.runs.select import figure_of_selection
    from tfdarts.runs.select import select

    config = settings_of(kinds.SELECT[values["kind"]], values)
    of_texts = values["kind"] == "texts"
    name = "validation_perplexity" if of_texts else figure_of_selection(config)
    rows = [
        (
            row["candidate"],
            f"{row[name]:.2f}" if of_texts else f"{row[name]:.2%}",
            f"{row['validation_loss']:.4f}",
            f"{row['num_parameters']:,}",
        )
        for row in select(config)
    ]
    columns = ("candidate", name.replace("_", " "), "loss", "parameters")
    print(table(columns, rows))
    print(f"Genotype of the best: {config.run_dir}/genotype.json")
    print(_training(values["arguments"]))


def _training(arguments):
    """Returns the command that trains the winner, on the same data."""
    own = ("run_dirs", "epochs", "validation_portion")
    words = iter(arguments)
    kept = []
    for word in words:
        if word.strip("-").split("=")[0] not in own:
            kept.append(word)
        elif "=" not in word:
            next(words)
    return next_command("tfdarts-train", *kept)


command = Command(
    name="tfdarts-select",
    summary="Trains the networks of several genotypes briefly and takes the "
    "best on\nvalidation examples. Test examples are not read.",
    examples=(
        "tfdarts-select --flagfile=configs/digits_train.cfg "
        "--run_dirs=runs/seed0,runs/seed1 --validation_portion=0.2 "
        "--epochs=10 --run_dir=runs/selected",
        "tfdarts-select --flagfile=configs/cifar10_train.cfg "
        "'--run_dirs=runs/seed*' --epochs=100 --run_dir=runs/selected",
        "tfdarts-select --flagfile=configs/pydoc_train.cfg "
        "--run_dirs=runs/pydoc,random:0 --epochs=10 --run_dir=runs/chosen",
    ),
    settings={kind: (config,) for kind, config in kinds.SELECT.items()},
    run=run,
)
main = command.main
