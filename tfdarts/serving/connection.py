"""Connecting to an exported model, or to a server over REST or gRPC."""

import importlib.util

from tfdarts.arguments import scalar
from tfdarts.serving.clients import validate_name
from tfdarts.serving.clients import validate_url
from tfdarts.serving.clients import validate_version


def client_of(export_dir, server, name, version, timeout):
    """Returns the client of an exported model or of a server.

    Args:
        export_dir: Path of a model's exported versions, or of one version.
        server: String, instead of `export_dir`: the URL of a server.
        name: String, the name of the model on the server.
        version: Integer, or for a server the label of a version.
        timeout: Float, seconds to wait for an answer.

    Raises:
        ValueError: If there is no such model, or the arguments contradict.
    """
    version, timeout = validate_version(version), scalar(timeout)
    if (export_dir is None) == (server is None):
        raise ValueError(
            "Give either --export_dir, where tfdarts-export wrote a model, or "
            "--server."
        )
    if export_dir is not None:
        if name:
            raise ValueError(
                "--name is the name of a model at a server: leave it out with "
                "--export_dir."
            )
        from tfdarts.serving.saved_model_client import SavedModelClient
        from tfdarts.serving.saved_model_client import version_directory

        return SavedModelClient(version_directory(export_dir, version))
    if not name:
        raise ValueError(
            "A server may have several models: give --name, the name of the "
            "model at the server."
        )
    url, name = validate_url(server), validate_name(name)
    if url.scheme in ("http", "https"):
        from tfdarts.serving.rest_client import RestClient

        return RestClient(url, name, version, timeout)
    if importlib.util.find_spec("tensorflow_serving") is None:
        raise ValueError(
            f"--server={server} needs tensorflow-serving-api: pip install "
            "'tfdarts[serving]', or use http://."
        )
    from tfdarts.serving.grpc_client import GrpcClient

    return GrpcClient(url, name, version, timeout)
