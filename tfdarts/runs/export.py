"""Exporting a trained network for a server."""

from tfdarts.runs.evaluate import load_network
from tfdarts.runs.run_directory import Stage
from tfdarts.serving.saved_model import export_saved_model


def export(run_dir, name=None):
    """Writes the trained network of a run as the next SavedModel version.

    Args:
        run_dir: Path of a run whose training has finished.
        name: String, what the server shall call the model. Defaults to the
            name of the data set.

    Returns:
        Path of the version, `<run_dir>/export/<name>/<version>`.

    Raises:
        ValueError: If the run holds no finished training.
    """
    stage = Stage(run_dir, "train")
    network, settings = load_network(stage)
    return export_saved_model(
        network,
        export_directory(stage, name or settings["dataset"]),
        labels=settings["class_names"],
        scale=1 / 255,
        mean=settings["mean"],
        std=settings["std"],
    )


def export_directory(stage, name):
    """Returns where the versions of a model are kept."""
    return stage.run_dir / "export" / name
