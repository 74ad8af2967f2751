"""The command `tfdarts-tune`."""

from tfdarts.cli.command import Command
from tfdarts.cli.command import next_command
from tfdarts.cli.command import settings_of
from tfdarts.table import format_value
from tfdarts.table import table
from tfdarts.tasks.tuned_settings import TuneConfig


def run(values):
    """Tunes; prints the trials and the next command."""
    from tfdarts.runs.tune import tune

    config = settings_of(values["task"].configs["train"], values)
    ranking = tune(config, settings_of(TuneConfig, values))
    hidden = ("rank", "validation_examples")
    columns = [name for name in ranking[0] if name not in hidden]
    rows = [[format_value(row[name]) for name in columns] for row in ranking]
    print(table([name.replace("_", " ") for name in columns], rows))
    flagfile = f"{config.run_dir}/tuned.cfg"
    print(f"The best values: {flagfile}")
    final = f"{config.run_dir}/final"
    print(next_command("tfdarts-train", flagfile=flagfile, run_dir=final))


command = Command(
    name="tfdarts-tune",
    summary="Tunes settings of a training, such as the learning rate, by "
    "keras-tuner\non validation examples. Test examples are not read.",
    examples=(
        "tfdarts-tune --genotype=runs/digits --validation_portion=0.2 "
        "--run_dir=runs/tuned",
        "tfdarts-tune --genotype=DARTS_V2 --validation_portion=0.2 "
        "--tune=learning_rate,weight_decay,drop_path_rate=0..0.3 "
        "--tuner=hyperband --run_dir=runs/tuned",
    ),
    settings=lambda task: (TuneConfig, task.configs["train"]),
    run=run,
)
main = command.main
