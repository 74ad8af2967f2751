"""Settings of a prediction: the question, the model and the requests."""

import dataclasses

from tfdarts import arguments
from tfdarts.serving.clients import validate_version
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import setting


def _version(value, name):
    return validate_version(value)


@dataclasses.dataclass(frozen=True)
class ImagesQuestion(Settings):
    """Images to classify."""

    images: str = setting(
        None,
        "Image files, folders or patterns such as 'new/*.png', separated by "
        "commas; ** in a pattern matches any directories.",
        form=arguments.paths,
    )


@dataclasses.dataclass(frozen=True)
class TextQuestion(Settings):
    """A text to continue."""

    text: str = setting(
        None,
        "For language models, instead of --images: the beginning of a line, "
        "whose next word is predicted.",
        has_lines=True,
    )


@dataclasses.dataclass(frozen=True)
class RequestSettings(Settings):
    """The model or server to ask, and how to send requests."""

    export_dir: str = setting(
        None,
        "Directory of an exported model, <run_dir>/export/<name>, or of one "
        "version of the model.",
        form=arguments.path_text,
    )
    server: str = setting(
        None,
        "Server to ask instead of --export_dir: http://host:8501 (REST) or "
        "grpc://host:8500; https:// and grpcs:// encrypt.",
    )
    name: str = setting(None, "Name of the model on the server.")
    model_version: str = setting(
        None,
        "Number of a version or, with --server, its label, such as stable. "
        "Defaults to the newest version.",
        form=_version,
    )
    batch_size: int = setting(32, "Images in a request.", least=1)
    timeout: float = setting(
        10.0,
        "Seconds to wait for an answer of the server.",
        above=0,
        most=86400,
        when={"export_dir": None},
    )
    retries: int = setting(
        3,
        "How often to repeat a request while the server is unavailable, each "
        "time after a longer wait.",
        least=0,
        when={"export_dir": None},
    )
    max_request_mb: float = setting(
        32.0,
        "Most megabytes of images in a request.",
        above=0,
    )
