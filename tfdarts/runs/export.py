"""Exporting a trained network for a server."""

import importlib.util
import logging

import numpy as np

from tfdarts import arguments
from tfdarts.console import show_progress
from tfdarts.data.sources import directory_name
from tfdarts.files import write_atomically
from tfdarts.runs.card import card_files
from tfdarts.runs.evaluate import load_network
from tfdarts.runs.evaluate import source_of_run
from tfdarts.runs.run_directory import Stage
from tfdarts.runs.run_directory import alone
from tfdarts.runs.run_directory import is_of_text
from tfdarts.runs.run_directory import write_json
from tfdarts.runs.settings import ExportSettings
from tfdarts.serving.classifier import classifier
from tfdarts.serving.clients import checked_name
from tfdarts.serving.formats import SUFFIXES
from tfdarts.serving.formats import converted
from tfdarts.serving.language_model import export_language_model
from tfdarts.serving.litert import litert_probabilities
from tfdarts.serving.saved_model import export_saved_model
from tfdarts.serving.saved_model import next_version
from tfdarts.serving.saved_model import saved_versions
from tfdarts.serving.server_config import write_server_config
from tfdarts.serving.warm_up import FILE
from tfdarts.serving.warm_up import text_warm_up_requests
from tfdarts.serving.warm_up import warm_up_requests

logger = logging.getLogger("tfdarts")


FORMATS = ("saved_model", *SUFFIXES)

_EXTRAS = {
    "litert_int8": ("ai_edge_litert", "litert"),
    "onnx": ("tf2onnx", "onnx"),
}
"""What a format needs beside TensorFlow: a module, and the extra it is in."""

REPRESENTATIVE = 200


@show_progress()
def export(run_dir, name=None, formats=("saved_model",), dataset=None):
    """Writes the trained network of a run as the next version of a model.

    All formats of one export have the same number. The SavedModel is a
    directory, `<number>/`; the others are files beside it, `<number>.keras`
    and so on, with the names of the classes in `<number>.labels.txt`.

    `litert_int8` brings `litert` along. Training images set the scales of its
    tensors, and test images say what it lost: `<number>.int8.json` has the
    accuracy and the size of both.

    Args:
        run_dir: Path of a run whose training has finished.
        name: String, what the server shall call the model. Defaults to the
            name of the data set, without what leads to it.
        formats: Sequence of strings, or one of them: `"saved_model"`,
            `"keras"`, `"litert"`, `"litert_int8"` or `"onnx"`; see
            `tfdarts.serving.formats.converted`.
        dataset: Specification, or `ImageSource`, of the data that the run
            was trained on, for `litert_int8`, where they are no longer to be
            found by their name.

    Returns:
        Dict from the formats to the paths of what was written, in
        `<run_dir>/export/<name>/`.

    Raises:
        ValueError: If the run holds no finished training, the name has other
            characters than letters, digits and _ . -, a format is not known or
            needs a package that is not installed, or another process is
            exporting the same model.
        DataError: If the data are needed and not there, or not those trained
            on.
    """
    given = ExportSettings(run_dir, name, formats, dataset)
    run_dir, name, dataset = given.run_dir, given.name, given.dataset
    formats = _checked_formats(given.format)
    if dataset is not None and "litert_int8" not in formats:
        raise ValueError(
            "--dataset is for --format=litert_int8 alone; no other format "
            "needs data."
        )
    stage = Stage(run_dir, "train")
    network, settings = load_network(stage)
    if is_of_text(settings) and formats != ["saved_model"]:
        raise ValueError(
            f"--format of a language model must be saved_model; for Keras "
            f"there is {stage.path}/model.keras. Received: "
            f"{', '.join(formats)}."
        )
    name = checked_name(name or directory_name(settings["dataset"]))
    directory = _directory(run_dir, name)
    directory.mkdir(parents=True, exist_ok=True)
    with alone(directory / ".lock", "--name"):
        if is_of_text(settings):
            path = _write_language_model(stage, network, settings, directory)
            return {"saved_model": path}
        return _write(formats, stage, network, settings, directory, dataset)


def _write_language_model(stage, network, settings, directory):
    """Writes the SavedModel of a language model; returns its path."""
    vocabulary = (stage.path / "vocabulary.txt").read_text(encoding="utf-8")
    name = directory.name
    path = export_language_model(
        network,
        directory,
        vocabulary.removesuffix("\n").split("\n"),
        settings["tokenizer"],
        extra_files={
            **_warm_up(text_warm_up_requests, name, network.state_size),
            **card_files(name, stage, settings, network),
        },
    )
    write_server_config(directory.parent)
    return path


def _write(formats, stage, network, settings, directory, dataset):
    """Writes all formats under one number; returns their paths."""
    version = next_version(directory)
    preprocessing = {
        "mean": settings["mean"],
        "std": settings["std"],
        "image_size": settings["image_shape"][:2],
    }
    files = [format for format in formats if format != "saved_model"]
    contents, paths = {}, {}
    if files:
        model = classifier(network, **preprocessing)
        source = None
        if "litert_int8" in formats:
            source = source_of_run(stage, settings, dataset)
        contents = _converted(model, files, source)
        if source:
            report = _what_8_bits_lose(contents, source)
            write_json(directory / f"{version}.int8.json", report)
    if "saved_model" in formats:
        paths["saved_model"] = export_saved_model(
            network,
            directory,
            settings["class_names"],
            **preprocessing,
            image_fit=settings["image_fit"],
            version=version,
            extra_files={
                **_warm_up(
                    warm_up_requests, directory.name, settings["image_shape"]
                ),
                **card_files(directory.name, stage, settings, network),
            },
        )
        write_server_config(directory.parent)
    if files:
        paths |= _write_files(contents, directory, version, settings)
    return {format: paths[format] for format in formats}


def _checked_formats(formats):
    unknown = [f for f in formats if f not in FORMATS]
    if unknown or not formats:
        raise ValueError(
            f"--format must be one or more of {', '.join(FORMATS)}, with "
            f"commas between them. Received: {', '.join(formats) or 'none'}."
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


def _converted(model, formats, source):
    """Returns the content of the file of each format."""
    contents = {}
    for format in formats:
        logger.info("export: converting to %s", format)
        images = None
        if format == "litert_int8":
            images, _ = source.read("train")
            spread = np.linspace(0, len(images) - 1, REPRESENTATIVE, dtype=int)
            images = np.asarray(images[np.unique(spread)])
        contents[format] = converted(model, format, images)
    return contents


def _write_files(contents, directory, version, settings):
    labels = "".join(f"{label}\n" for label in settings["class_names"])
    write_atomically(directory / f"{version}.labels.txt", labels)
    paths = {}
    for format, content in contents.items():
        paths[format] = directory / f"{version}{SUFFIXES[format]}"
        write_atomically(paths[format], content)
    return paths


def _what_8_bits_lose(contents, source):
    """Returns accuracy on the test images, and size, of floats and bytes."""
    images, labels = source.read("test")
    report = {"test_examples": len(labels)}
    for format in ("litert", "litert_int8"):
        logger.info("export: testing %s on %d images", format, len(labels))
        probabilities = litert_probabilities(contents[format], images)
        report[format] = {
            "test_accuracy": float(np.mean(probabilities.argmax(1) == labels)),
            "bytes": len(contents[format]),
        }
    return report


def _warm_up(requests, *arguments):
    """Returns the file of requests that a server begins with, or none."""
    try:
        return {FILE: requests(*arguments)}
    except ImportError:
        logger.info(
            "export: without warm-up requests, which need "
            "tensorflow-serving-api: pip install 'tfdarts[serving]'"
        )
        return {}


def exported_versions(run_dir, name):
    """Returns the paths of the versions of a model, oldest first."""
    directory = _directory(run_dir, name)
    return [directory / str(v) for v in saved_versions(directory)]


def _directory(run_dir, name):
    return arguments.as_path(run_dir, "run_dir") / "export" / name
