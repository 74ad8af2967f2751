"""Exporting a trained network for a server."""

import pathlib

from tfdarts.data.sources import directory_name
from tfdarts.runs.evaluate import load_network
from tfdarts.runs.run_directory import Stage
from tfdarts.serving.saved_model import export_saved_model
from tfdarts.serving.saved_model import saved_versions


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
    network, settings = load_network(Stage(run_dir, "train"))
    return export_saved_model(
        network,
        _directory(run_dir, name or directory_name(settings["dataset"])),
        labels=settings["class_names"],
        scale=1 / 255,
        mean=settings["mean"],
        std=settings["std"],
        image_size=settings["image_shape"][:2],
        image_fit=settings["image_fit"],
    )


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
