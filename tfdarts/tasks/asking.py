"""Settings of a prediction: the question, the model and the requests."""

import dataclasses

from tfdarts import arguments
from tfdarts.serving.clients import checked_version
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import setting


def _version(value, name):
    return checked_version(value)


@dataclasses.dataclass(frozen=True)
class ImagesQuestion(Settings):
    """Images to classify."""

    images: str = setting(
        None,
        "Image files, folders or patterns, as 'new/*.png', with commas "
        "between them; ** in a pattern stands for any directories.",
        form=arguments.paths,
    )


@dataclasses.dataclass(frozen=True)
class TextQuestion(Settings):
    """A text to continue."""

    text: str = setting(
        None,
        "In place of --images, for language models: the beginning of a line, "
        "whose next word is predicted.",
    )


@dataclasses.dataclass(frozen=True)
class AskSettings(Settings):
    """The model or server to ask, and how to send requests."""

    export_dir: str = setting(
        None,
        "Where tfdarts-export wrote a model: <run_dir>/export/<name>, or one "
        "version of it.",
        form=arguments.path_text,
    )
    server: str = setting(
        None,
        "In place of --export_dir a server: http://host:8501 (REST) or "
        "grpc://host:8500; https:// and grpcs:// encrypt.",
    )
    name: str = setting(None, "What the server calls the model.")
    model_version: str = setting(
        None,
        "Number of a version, or of a server the label of one, as stable. By "
        "default the newest.",
        form=_version,
    )
    batch_size: int = setting(32, "Images asked for at once.", least=1)
    timeout: float = setting(
        10.0, "Seconds that a server's answer may take.", above=0, most=86400
    )
    retries: int = setting(
        3,
        "How often to ask a server again that cannot answer now, each time "
        "after a longer while.",
        least=0,
    )
    max_request_mb: float = setting(
        32.0, "Megabytes of images in a request at most.", above=0
    )
