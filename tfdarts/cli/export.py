"""tfdarts-export."""

import dataclasses

from tfdarts.cli.command import Command
from tfdarts.cli.command import next_command
from tfdarts.cli.command import settings_of
from tfdarts.runs.settings import Settings
from tfdarts.runs.settings import setting


@dataclasses.dataclass(frozen=True)
class ExportSettings(Settings):
    """What an export takes."""

    run_dir: str = setting(None, "Directory of a run that has been trained.")
    name: str = setting(
        None, "What the server calls the model. By default the data set's name."
    )


def run(values):
    """Exports, prints the path and the next command."""
    from tfdarts.runs.export import export

    settings = settings_of(ExportSettings, values)
    path = export(settings.run_dir, settings.name)
    print(path)
    print(next_command("saved_model_cli", "show", "--dir", str(path), "--all"))


command = Command(
    name="tfdarts-export",
    summary="Writes a trained network as the next SavedModel version, for "
    "TF Serving.",
    examples=(
        "tfdarts-export --run_dir=runs/digits",
        "tfdarts-export --run_dir=runs/digits --name=reader",
    ),
    settings=(ExportSettings,),
    run=run,
)
main = command.main
