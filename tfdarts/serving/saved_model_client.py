"""A SavedModel that answers in this process, without a server."""

import pathlib

import tensorflow as tf

from tfdarts.serving.clients import SIGNATURE
from tfdarts.serving.clients import Answer
from tfdarts.serving.clients import InvalidImage
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
    if version is None and (path / "saved_model.pb").exists():
        return path
    versions = saved_versions(path)
    if not versions:
        raise ValueError(
            f"{path} holds no version of a model: tfdarts-export writes them "
            f"to export/<name>/ of the run directory."
        )
    version = versions[-1] if version is None else version
    if version not in versions:
        raise ValueError(
            f"{path} has no version {version}. Those there are: "
            f"{', '.join(map(str, versions))}."
        )
    return path / str(version)


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
                f"{path} is damaged, or was not exported by tfdarts "
                f"({plain(str(error))}). Export it anew."
            ) from error

    def predict(self, contents):
        """See `tfdarts.serving.rest_client.RestClient.predict`."""
        try:
            outputs = self.ask(image_bytes=tf.constant(contents))
        except tf.errors.InvalidArgumentError as error:
            raise InvalidImage(plain(error.message)) from error
        return Answer(
            [label.decode() for label in outputs["label"].numpy()],
            outputs["class_id"].numpy().tolist(),
            outputs["probabilities"].numpy(),
        )
