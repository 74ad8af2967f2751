"""Exporting a trained network for a server."""

import json
import logging
import pathlib

from tfdarts.data.sources import directory_name
from tfdarts.models.multiply_adds import multiply_adds
from tfdarts.runs.evaluate import load_network
from tfdarts.runs.run_directory import Stage
from tfdarts.runs.run_directory import read_json
from tfdarts.serving.model_card import model_card
from tfdarts.serving.saved_model import export_saved_model
from tfdarts.serving.saved_model import saved_versions
from tfdarts.serving.server_config import write_server_config
from tfdarts.serving.warm_up import FILE
from tfdarts.serving.warm_up import warm_up_requests

logger = logging.getLogger("tfdarts")


def export(run_dir, name=None):
    """Writes the trained network of a run as the next SavedModel version.

    Args:
        run_dir: Path of a run whose training has finished.
        name: String, what the server shall call the model. Defaults to the
            name of the data set, without what leads to it.

    Returns:
        Path of the version, `<run_dir>/export/<name>/<version>`.

    Raises:
        ValueError: If the run holds no finished training, or the name is
            not that of one directory.
    """
    stage = Stage(run_dir, "train")
    network, settings = load_network(stage)
    name = name or directory_name(settings["dataset"])
    directory = _directory(run_dir, name)
    version = export_saved_model(
        network,
        directory,
        labels=settings["class_names"],
        scale=1 / 255,
        mean=settings["mean"],
        std=settings["std"],
        image_size=settings["image_shape"][:2],
        image_fit=settings["image_fit"],
        extra_files={
            **_warm_up(name, settings["image_shape"]),
            **_card(name, stage, settings, network),
        },
    )
    write_server_config(directory.parent)
    return version


def _warm_up(name, image_shape):
    """Returns the file of requests that a server begins with, or none."""
    try:
        return {FILE: warm_up_requests(name, image_shape)}
    except ImportError:
        logger.info(
            "export: without warm-up requests, which need "
            "tensorflow-serving-api: pip install 'tfdarts[serving]'"
        )
        return {}


_OF_DATA = (
    *("dataset", "fingerprint", "image_size", "image_fit"),
    *("validation_portion", "mean", "std"),
)
_ELSEWHERE = ("class_names", "image_shape", "genotype")


def _card(name, stage, settings, network):
    """Returns the model card, as Markdown, as JSON and with its pictures."""
    pictures = {
        f"cells/{cell}.png": path.read_bytes()
        for cell in ("normal", "reduce")
        if (path := stage.run_dir / "cells" / f"{cell}.png").exists()
    }
    # The session that ended the training.
    environment = read_json(stage.path / "environment.json")[-1]
    facts = {
        "name": name,
        "labels": settings["class_names"],
        "image_shape": settings["image_shape"],
        "pictures": list(pictures),
        "genotype": settings["genotype"],
        "data": {key: settings[key] for key in _OF_DATA},
        "network": {
            "genotype": (settings["genotype"] or {}).get("name"),
            "multiply_adds": multiply_adds(network),
        },
        "results": read_json(stage.path / "results.json"),
        "training": {
            key: value
            for key, value in settings.items()
            if key not in (*_OF_DATA, *_ELSEWHERE)
        },
        "environment": {
            key: environment[key] for key in environment if key != "command"
        },
    }
    return {
        "MODEL_CARD.md": model_card(facts).encode(),
        "model_card.json": json.dumps(facts, indent=2).encode(),
        **pictures,
    }


def exported_versions(run_dir, name):
    """Returns the paths of the versions of a model, oldest first."""
    directory = _directory(run_dir, name)
    return [directory / str(v) for v in saved_versions(directory)]


def _directory(run_dir, name):
    if name in (".", "..") or pathlib.PurePath(name).name != name:
        raise ValueError(
            f"--name must be the name of one directory. Received: {name!r}."
        )
    return pathlib.Path(run_dir) / "export" / name
