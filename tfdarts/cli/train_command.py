"""The command `tfdarts-train`."""

from tfdarts.cli.command import Command
from tfdarts.cli.command import next_command
from tfdarts.cli.command import settings_of
from tfdarts.cli.dry_run_flag import DryRun
from tfdarts.cli.dry_run_flag import command_after_inspection
from tfdarts.cli.dry_run_flag import cost_table
from tfdarts.cli.seeds_flag import Seeds
from tfdarts.cli.seeds_flag import seeds_table
from tfdarts.table import format_value


def run(values):
    """Trains the network; prints the results and the next command."""
    config = settings_of(values["task"].configs["train"], values)
    if values["dry_run"]:
        print(cost_table(config, "training"))
        words = values["arguments"], DryRun
        print(command_after_inspection("tfdarts-train", config, *words))
        return
    seeds = settings_of(Seeds, values).seeds
    if seeds:
        from tfdarts.runs.seeds import train_seeds

        print(seeds_table(train_seeds(config, seeds)))
        flags = {"run_dir": config.run_dir, "seeds": values["seeds"]}
        print(next_command("tfdarts-evaluate", **flags))
        return
    from tfdarts.runs.train import train

    for name, value in train(config).items():
        print(f"{name}: {format_value(value)}")
    print(next_command("tfdarts-evaluate", run_dir=config.run_dir))


command = Command(
    name="tfdarts-train",
    summary="Builds the network of a genotype and trains it.",
    settings=lambda task: (task.configs["train"], Seeds, DryRun),
    run=run,
)
main = command.main
