"""tfdarts-evaluate."""

import dataclasses

from tfdarts.cli.command import Command
from tfdarts.cli.command import next_command
from tfdarts.cli.command import settings_of
from tfdarts.runs.settings import Settings
from tfdarts.runs.settings import setting


@dataclasses.dataclass(frozen=True)
class EvaluateSettings(Settings):
    """What a test takes."""

    run_dir: str = setting(None, "Directory of a run that has been trained.")
    batch_size: int = setting(
        128, "Examples in a batch; changes the time, not the result.", least=1
    )
    dataset: str = setting(
        None,
        "The data set trained on, where it is no longer at its place. By "
        "default where the training found it.",
    )


def run(values):
    """Tests, prints the results and the next command."""
    from tfdarts.runs.evaluate import evaluate

    settings = settings_of(EvaluateSettings, values)
    results = evaluate(settings.run_dir, settings.batch_size, settings.dataset)
    for name in ("test_accuracy", "test_loss", "test_examples"):
        print(f"{name}: {results[name]:.6g}")
    print(next_command("tfdarts-export", run_dir=settings.run_dir))


command = Command(
    name="tfdarts-evaluate",
    summary="Tests a trained network on the test examples.",
    examples=("tfdarts-evaluate --run_dir=runs/digits",),
    settings=(EvaluateSettings,),
    run=run,
)
main = command.main
