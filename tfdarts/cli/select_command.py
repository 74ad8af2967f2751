"""The command `tfdarts-select`."""

from tfdarts.cli.command import Command
from tfdarts.cli.command import next_command
from tfdarts.cli.command import settings_of
from tfdarts.table import table


def run(values):
    """Ranks the candidates; prints the table and the next command."""
    from tfdarts.runs.select import select

    task = values["task"]
    config = settings_of(task.configs["select"], values)
    name = task.figure_of_selection(config)
    rows = [
        (
            row["candidate"],
            task.show_figure(row[name]),
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
    summary="Trains the networks of several genotypes briefly and selects the "
    "best\non validation examples. Test examples are not read.",
    settings=lambda task: (task.configs["select"],),
    run=run,
)
main = command.main
