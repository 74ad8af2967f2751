"""The command `tfdarts-export`."""

from tfdarts.cli.command import Command
from tfdarts.cli.command import next_command
from tfdarts.cli.command import settings_of
from tfdarts.records.run_directory import Stage
from tfdarts.runs.trained_run_settings import ExportSettings
from tfdarts.tasks.task_registry import task_of_settings


def run(values):
    """Exports the model; prints the paths and the next command."""
    from tfdarts.runs.export import export

    settings = settings_of(ExportSettings, values)
    task = task_of_settings(Stage(settings.run_dir, "train").settings())
    paths = export(
        settings.run_dir, settings.name, settings.format, settings.dataset
    )
    for path in paths.values():
        print(path)
    print(task.show_export(paths), end="")
    if "saved_model" in paths:
        directory = paths["saved_model"].parent
        words = {"export_dir": directory, **task.example_question}
        print(next_command("tfdarts-predict", **words))


command = Command(
    name="tfdarts-export",
    summary="Writes a trained network as the next version of a model: a "
    "SavedModel for\nTF Serving, or files for other runtimes.",
    examples=(
        "tfdarts-export --run_dir=runs/digits",
        "tfdarts-export --run_dir=runs/digits --name=reader",
        "tfdarts-export --run_dir=runs/digits "
        "--format=saved_model,litert_int8,onnx",
    ),
    settings=(ExportSettings,),
    run=run,
    resumes=False,
)
main = command.main
