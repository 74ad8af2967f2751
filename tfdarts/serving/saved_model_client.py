"""A SavedModel that answers in this process, without a server."""

import pathlib

import tensorflow as tf

from tfdarts.serving.clients import SIGNATURE
from tfdarts.serving.clients import InvalidArgument
from tfdarts.serving.clients import checked_answer
from tfdarts.serving.clients import plain
from tfdarts.serving.saved_model import saved_versions


def version_directory(path, version=None):
    """Returns the directory of a version.

    Args:
        path: Path of it, or of the directory of all versions.
        version: Integer. Defaults to the newest.

    Raises:
        ValueError: If there is none.
    """
    path = pathlib.Path(path)
    if (path / "saved_model.pb").exists() and str(version) in (
        "None",
        path.name,
    ):
        return path
    versions = saved_versions(path)
    if not versions:
        raise ValueError(
            f"{path} holds no version of a model as SavedModel: tfdarts-export "
            f"writes them to export/<name>/ of the run directory."
            f"{_did_you_mean(path)}"
        )
    version = versions[-1] if version is None else version
    if version not in versions:
        raise ValueError(
            f"{path} has no version {version}. Those there are: "
            f"{', '.join(map(str, versions))}."
        )
    return path / str(version)


def _did_you_mean(path):
    """Returns where models are, up to two directories further down."""
    found = sorted(
        file.parents[1]
        for pattern in ("*/*", "*/*/*")
        for file in path.glob(f"{pattern}/saved_model.pb")
        if file.parent.name.isdecimal()
    )
    return f" Did you mean {found[0]}?" if found else ""


class SavedModelClient:
    """Asks a SavedModel that was exported by tfdarts.

    Args:
        path: Path of a version.

    Raises:
        ValueError: If it cannot be loaded, or is of another kind.
    """

    def __init__(self, path):
        try:
            self.model = tf.saved_model.load(str(path))
            self.ask = self.model.signatures[SIGNATURE]
        except (OSError, KeyError, ValueError, tf.errors.OpError) as error:
            raise ValueError(
                f"{path} is damaged, or was not exported by tfdarts: it cannot "
                f"be loaded, or does not take image files. Export it anew."
            ) from error

    def predict(self, contents):
        """See `tfdarts.serving.rest_client.RestClient.predict`."""
        try:
            outputs = self.ask(image_bytes=tf.constant(contents))
        except tf.errors.InvalidArgumentError as error:
            raise InvalidArgument(plain(error.message)) from error
        return checked_answer(
            "The model",
            len(contents),
            [label.decode() for label in outputs["label"].numpy()],
            outputs["class_id"].numpy(),
            outputs["probabilities"].numpy(),
        )
