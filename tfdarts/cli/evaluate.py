"""tfdarts-evaluate."""

import dataclasses

from tfdarts.cli.command import Command
from tfdarts.runs.configs import setting


@dataclasses.dataclass(frozen=True)
class EvaluateSettings:
    """What a test takes."""

    run_dir: str = setting(None, "Directory of a run that has been trained.")
    batch_size: int = setting(
        128, "Examples in a batch; changes the time, not the result."
    )


def run(values):
    """Tests, prints the results and the next command."""
    from tfdarts.runs.evaluate import evaluate

    results = evaluate(values["run_dir"], values["batch_size"])
    for name in ("test_accuracy", "test_loss", "test_examples"):
        print(f"{name}: {results[name]:.6g}")
    print(f"Next: tfdarts-export --run_dir={values['run_dir']}")


command = Command(
    name="tfdarts-evaluate",
    summary="Tests a trained network on the test examples.",
    examples=("tfdarts-evaluate --run_dir=runs/digits",),
    settings=(EvaluateSettings,),
    run=run,
)
main = command.main
