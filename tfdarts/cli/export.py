"""tfdarts-export."""

import dataclasses
import json

from tfdarts import arguments
from tfdarts.cli.command import Command
from tfdarts.cli.command import next_command
from tfdarts.cli.command import settings_of
from tfdarts.runs.fields import Settings
from tfdarts.runs.fields import setting
from tfdarts.runs.run_directory import Stage
from tfdarts.runs.run_directory import is_of_text
from tfdarts.table import shown
from tfdarts.table import table


@dataclasses.dataclass(frozen=True)
class ExportSettings(Settings):
    """What an export takes."""

    run_dir: str = setting(
        None,
        "Directory of a run that has been trained.",
        form=arguments.path_text,
    )
    name: str = setting(
        None, "What the server calls the model. By default the data set's name."
    )
    format: str = setting(
        "saved_model",
        "One or more, with commas between them: saved_model (TF Serving), "
        "keras, litert (phones), litert_int8 (the same in 8 bits; brings "
        "litert along, and says what was lost), onnx. Of texts saved_model "
        "alone.",
        form=arguments.names,
    )
    dataset: str = setting(
        None,
        "For litert_int8: the data set trained on, where it is no longer at "
        "its place. By default where the training found it.",
        form=arguments.specification,
    )


def run(values):
    """Exports, prints the paths and the next command."""
    from tfdarts.runs.export import export

    settings = settings_of(ExportSettings, values)
    of_text = is_of_text(Stage(settings.run_dir, "train").settings())
    paths = export(
        settings.run_dir, settings.name, settings.format, settings.dataset
    )
    for path in paths.values():
        print(path)
    if "litert_int8" in paths:
        print(_int8_table(paths["litert_int8"].with_suffix(".json")))
    if "saved_model" in paths:
        directory = paths["saved_model"].parent
        asked = {"text": "WORDS"} if of_text else {"images": "IMAGES"}
        print(next_command("tfdarts-predict", export_dir=directory, **asked))


def _int8_table(path):
    report = json.loads(path.read_text())
    columns = ("format", "test accuracy", "bytes")
    rows = [
        (
            format,
            f"{report[format]['test_accuracy']:.2%}",
            shown(report[format]["bytes"]),
        )
        for format in ("litert", "litert_int8")
    ]
    return table(columns, rows)


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
