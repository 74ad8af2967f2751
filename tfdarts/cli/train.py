"""tfdarts-train."""

from tfdarts.cli.command import Command
from tfdarts.cli.command import next_command
from tfdarts.cli.command import settings_of
from tfdarts.runs.configs import TrainConfig


def run(values):
    """Trains, prints the results and the next command."""
    from tfdarts.runs.train import train

    config = settings_of(TrainConfig, values)
    for name, value in train(config).items():
        print(f"{name}: {value:,}")
    print(next_command("tfdarts-evaluate", run_dir=config.run_dir))


command = Command(
    name="tfdarts-train",
    summary="Builds the network of a genotype and trains it.",
    examples=(
        "tfdarts-train --flagfile=configs/digits_train.cfg "
        "--run_dir=runs/digits",
        "tfdarts-train --genotype=DARTS_V2 --init_channels=8 --num_cells=5 "
        "--epochs=50 --run_dir=runs/published",
        "tfdarts-train --genotype=random:0 "
        "--flagfile=configs/digits_train.cfg --run_dir=runs/random",
    ),
    settings=(TrainConfig,),
    run=run,
)
main = command.main
