"""Exporting an image classifier."""

import json
import logging

import numpy as np

from tfdarts.files import write_atomically
from tfdarts.serving.classifier import classifier
from tfdarts.serving.formats import SUFFIXES
from tfdarts.serving.formats import convert
from tfdarts.serving.litert import litert_probabilities
from tfdarts.serving.saved_model import export_saved_model
from tfdarts.serving.saved_model import next_version
from tfdarts.serving.server_config import write_server_config
from tfdarts.serving.warm_up import warm_up_requests
from tfdarts.tasks.exported_run import warm_up

logger = logging.getLogger("tfdarts")

REPRESENTATIVE = 200
"""Number of training images that set the scales of 8-bit tensors."""


def export_classifier(formats, network, settings, directory, run):
    """Writes all formats under one version number; returns their paths.

    Args:
        formats: List of strings; see `tfdarts.export`.
        network: Keras model.
        settings: Dict of the settings of the network's training.
        directory: Path of the model, which holds its versions.
        run: `ExportedRun`.
    """
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
            source = run.open_data()
        contents = _convert_formats(model, files, source)
        if source:
            report = _compare_8_bits(contents, source)
            text = json.dumps(report, indent=2)
            write_atomically(directory / f"{version}.int8.json", f"{text}\n")
    if "saved_model" in formats:
        paths["saved_model"] = export_saved_model(
            network,
            directory,
            settings["class_names"],
            **preprocessing,
            image_fit=settings["image_fit"],
            version=version,
            extra_files={
                **warm_up(
                    warm_up_requests, directory.name, settings["image_shape"]
                ),
                **run.make_card(),
            },
        )
        write_server_config(directory.parent)
    if files:
        paths |= _write_files(contents, directory, version, settings)
    return {format: paths[format] for format in formats}


def _convert_formats(model, formats, source):
    """Returns the content of the file of each format."""
    contents = {}
    for format in formats:
        logger.info("export: converting to %s", format)
        images = None
        if format == "litert_int8":
            images, _ = source.read("train")
            spread = np.linspace(0, len(images) - 1, REPRESENTATIVE, dtype=int)
            images = np.asarray(images[np.unique(spread)])
        contents[format] = convert(model, format, images)
    return contents


def _write_files(contents, directory, version, settings):
    labels = "".join(f"{label}\n" for label in settings["class_names"])
    write_atomically(directory / f"{version}.labels.txt", labels)
    paths = {}
    for format, content in contents.items():
        paths[format] = directory / f"{version}{SUFFIXES[format]}"
        write_atomically(paths[format], content)
    return paths


def _compare_8_bits(contents, source):
    """Returns test accuracy and size of the float and the 8-bit model."""
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
