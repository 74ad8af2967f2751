"""Settings of the commands that start from a trained run."""

import dataclasses

from tfdarts import arguments
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import setting
from tfdarts.settings.fields import with_default
from tfdarts.tasks.settings import RunConfig


@dataclasses.dataclass(frozen=True)
class EvaluateSettings(Settings):
    """Settings of `tfdarts-evaluate`."""

    run_dir: str = setting(
        None,
        "Directory of a run that has been trained.",
        form=arguments.path_text,
    )
    batch_size: int = setting(
        128,
        "Images in a batch, on all devices together; changes the time, not "
        "the result. Texts are read as one row, which is not shared.",
        least=1,
    )
    dataset: str = setting(
        None,
        "The data set trained on, where it is no longer at its place. By "
        "default where the training found it.",
        form=arguments.specification,
    )
    distribute: str = with_default(RunConfig, "distribute", "none")


@dataclasses.dataclass(frozen=True)
class ExportSettings(Settings):
    """Settings of `tfdarts-export`."""

    run_dir: str = setting(
        None,
        "Directory of a run that has been trained.",
        form=arguments.path_text,
    )
    name: str = setting(
        None, "What the server calls the model. By default the data set's name."
    )
    format: str = setting(
        "saved_model",
        "One or more, with commas between them: saved_model (TF Serving), "
        "keras, litert (phones), litert_int8 (the same in 8 bits; brings "
        "litert along, and says what was lost), onnx. Of texts saved_model "
        "alone.",
        form=arguments.names,
    )
    dataset: str = setting(
        None,
        "For litert_int8: the data set trained on, where it is no longer at "
        "its place. By default where the training found it.",
        form=arguments.specification,
    )
