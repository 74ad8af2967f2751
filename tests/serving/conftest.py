"""The server that tests ask: TF Serving where there is one."""

import os

import pytest
import served_models
from running_server import Server
from running_server import started


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """The directory of the models of `served_models`."""
    directory = tmp_path_factory.mktemp("models")
    served_models.write(directory)
    return directory


@pytest.fixture(scope="session")
def server(models):
    """A server of these models: that of `TFDARTS_TF_SERVING`, which names a
    host, or TF Serving's binary, or the stand-in."""
    host = os.environ.get("TFDARTS_TF_SERVING")
    if host:
        yield Server(f"http://{host}:8501", f"grpc://{host}:8500")
        return
    with started(models / "models.config", served_models.NAME, 2) as server:
        yield server
