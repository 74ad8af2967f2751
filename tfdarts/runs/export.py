"""Exporting a trained network for a server."""

import importlib.util
import logging
import os
import pathlib
from collections.abc import Sequence
from typing import Any

from tfdarts import arguments
from tfdarts.console import show_progress
from tfdarts.records.lock import hold_lock
from tfdarts.records.run_directory import Stage
from tfdarts.runs.evaluate import load_network
from tfdarts.runs.evaluate import source_of_run
from tfdarts.runs.model_card_files import card_files
from tfdarts.runs.trained_run_settings import ExportSettings
from tfdarts.serving.clients import validate_name
from tfdarts.serving.formats import SUFFIXES
from tfdarts.serving.saved_model import saved_versions
from tfdarts.tasks.exported_run import ExportedRun
from tfdarts.tasks.task_registry import task_of_settings

logger = logging.getLogger("tfdarts")


FORMATS = ("saved_model", *SUFFIXES)

_EXTRAS = {
    "litert_int8": ("ai_edge_litert", "litert"),
    "onnx": ("tf2onnx", "onnx"),
}
"""The module that a format needs besides TensorFlow, and its extra."""


@show_progress()
def export(
    run_dir: str | os.PathLike,
    name: str | None = None,
    formats: str | Sequence[str] = ("saved_model",),
    dataset: Any = None,
) -> dict[str, pathlib.Path]:
    """Writes the trained network of a run as the next version of a model.

    All formats of one export have the same number. The SavedModel is a
    directory, `<number>/`; the other formats are files beside it, such as
    `<number>.keras`, with the class names in `<number>.labels.txt`.

    `litert_int8` also writes `litert`. Training images set the scales of the
    int8 tensors, and test images measure the loss of accuracy:
    `<number>.int8.json` has the accuracy and the size of both.

    Args:
        run_dir: Path of a run whose training has finished.
        name: String, the name of the model on the server. Defaults to the
            last part of the name of the data set.
        formats: Sequence of strings, or one of them: `"saved_model"`,
            `"keras"`, `"litert"`, `"litert_int8"` or `"onnx"`; see
            `tfdarts.serving.formats.convert`.
        dataset: Specification, or `ImageSource`, of the data that the run
            was trained on, for `litert_int8`, if their name no longer leads
            to them.

    Returns:
        Dict from the formats to the paths of the written files, in
        `<run_dir>/export/<name>/`.

    Raises:
        ValueError: If the run holds no finished training, the name has other
            characters than letters, digits and _ . -, a format is unknown or
            needs a package that is not installed, or another process is
            exporting the same model.
        DataError: If the data are needed and missing, or differ from the
            training's.
    """
    given = ExportSettings(run_dir, name, formats, dataset)
    run_dir, name, dataset = given.run_dir, given.name, given.dataset
    formats = _check_formats(given.format)
    if dataset is not None and "litert_int8" not in formats:
        raise ValueError(
            "--dataset is only for --format=litert_int8: no other format "
            "needs data. Leave --dataset out."
        )
    stage = Stage(run_dir, "train")
    network, settings = load_network(stage)
    task = task_of_settings(settings)
    task.require_formats(formats, stage.path)
    name = validate_name(name or task.data_name(settings["dataset"]))
    directory = _directory(run_dir, name)
    directory.mkdir(parents=True, exist_ok=True)
    with hold_lock(directory / ".lock", "--name"):
        run = ExportedRun(
            stage.path,
            lambda: source_of_run(stage, settings, dataset),
            lambda: card_files(name, stage, settings, network),
        )
        return task.export(formats, network, settings, directory, run)


def _check_formats(formats):
    unknown = [f for f in formats if f not in FORMATS]
    if unknown or not formats:
        raise ValueError(
            f"--format must be one or more of {', '.join(FORMATS)}, "
            f"separated by commas. Received: {', '.join(formats) or 'none'}."
        )
    for format in formats:
        module, extra = _EXTRAS.get(format, (None, None))
        if module and importlib.util.find_spec(module) is None:
            raise ValueError(
                f"--format={format} needs {module.replace('_', '-')}: pip "
                f"install 'tfdarts[{extra}]'."
            )
    brought = ["litert"] if "litert_int8" in formats else []
    return [f for f in FORMATS if f in (*formats, *brought)]


def exported_versions(run_dir, name):
    """Returns the paths of the versions of a model, oldest first."""
    directory = _directory(run_dir, name)
    return [directory / str(v) for v in saved_versions(directory)]


def _directory(run_dir, name):
    return arguments.as_path(run_dir, "run_dir") / "export" / name
