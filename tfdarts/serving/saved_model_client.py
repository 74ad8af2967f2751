"""A client that runs a SavedModel in this process, without a server."""

import tensorflow as tf

from tfdarts.arguments import as_path
from tfdarts.patterns import literal_path
from tfdarts.serving.clients import OF_CLASSES
from tfdarts.serving.clients import OF_TEXTS
from tfdarts.serving.clients import Client
from tfdarts.serving.clients import InvalidArgument
from tfdarts.serving.clients import strip_context
from tfdarts.serving.saved_model import saved_versions


def version_directory(path, version=None):
    """Returns the directory of a version.

    Args:
        path: Path of the version, or of the directory of all versions.
        version: Integer. Defaults to the newest.

    Raises:
        ValueError: If there is no such version.
    """
    path = as_path(path)
    if (path / "saved_model.pb").exists() and str(version) in (
        "None",
        path.name,
    ):
        return path
    versions = saved_versions(path)
    if not versions:
        raise ValueError(
            f"{path} has no version of a SavedModel: tfdarts-export writes "
            "versions to export/<name>/ of the run "
            f"directory.{_did_you_mean(path)}"
        )
    version = versions[-1] if version is None else version
    if version not in versions:
        raise ValueError(
            f"{path} has no version {version}. It has "
            f"{', '.join(map(str, versions))}."
        )
    return path / str(version)


def _did_you_mean(path):
    """Returns a hint where models are, up to two directories further down.

    If the path is a file, such as a model in another format, the search
    starts in the directory of the file.
    """
    directory = path.parent if path.is_file() else path
    found = sorted(
        file.parents[1]
        for pattern in ("*", "*/*", "*/*/*")
        for file in directory.glob(f"{pattern}/saved_model.pb")
        if file.parent.name.isdecimal()
    )
    return f" Did you mean {found[0]}?" if found else ""


def _check_shape(name, shape, expected):
    if not expected.is_compatible_with(shape):
        raise InvalidArgument(
            f"`{name}` must be of shape {expected}. Received: {shape}."
        )


class SavedModelClient(Client):
    """Asks a SavedModel that tfdarts exported.

    Args:
        path: Path of a version.

    Raises:
        ValueError: If the model cannot be loaded, or is of another kind.
    """

    who = "The model"

    def __init__(self, path):
        self.path = path
        try:
            with literal_path(path) as directory:
                self.model = tf.saved_model.load(directory)
            self.signatures = self.model.signatures
            self.signatures[OF_TEXTS]  # All exported models have it.
        except (OSError, KeyError, ValueError, tf.errors.OpError) as error:
            raise self._unusable_error() from error

    def ask(self, signature, inputs, outputs):
        """See `tfdarts.serving.clients.Client`."""
        tensors = {name: tf.constant(x) for name, x in inputs.items()}
        try:
            function = self.signatures[signature]
            expected = function.structured_input_signature[1]
            if {*expected} != {*tensors}:
                raise self._unusable_error()
            for name, tensor in tensors.items():
                _check_shape(name, tensor.shape, expected[name].shape)
            answer = function(**tensors)
            return [answer[name].numpy() for name in outputs]
        except KeyError as error:
            raise self._unusable_error() from error
        except tf.errors.InvalidArgumentError as error:
            raise InvalidArgument(strip_context(error.message)) from error

    def class_names(self, count):
        """See `tfdarts.serving.clients.Client`."""
        if OF_CLASSES in self.signatures:
            return super().class_names(count)
        # Models that tfdarts 0.1.0 exported lack this signature.
        labels = (self.path / "assets" / "labels.txt").read_text("utf-8")
        return labels.removesuffix("\n").split("\n")

    def _unusable_error(self):
        return ValueError(
            f"{self.path} is damaged, or was not exported by tfdarts, or is "
            "of another kind: --images is for models of images, --text for "
            "language models. Check --export_dir, or export the model again."
        )
