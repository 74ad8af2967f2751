"""Settings of the commands that start from a trained run."""

import dataclasses

from tfdarts import arguments
from tfdarts.settings.fields import Settings
from tfdarts.settings.fields import setting
from tfdarts.settings.fields import with_default
from tfdarts.tasks.shared_settings import RunConfig
from tfdarts.tasks.shared_settings import specification


@dataclasses.dataclass(frozen=True)
class EvaluateSettings(Settings):
    """Settings of `tfdarts-evaluate`."""

    run_dir: str = setting(
        None,
        "Run directory with a finished training.",
        form=arguments.path_text,
    )
    batch_size: int = setting(
        128,
        "Images in a batch, over all devices; it changes the time, not the "
        "result. A text is one row, which devices do not share.",
        least=1,
    )
    dataset: str = setting(
        None,
        "The data set of the training, if it has been moved. Defaults to the "
        "place that the training recorded.",
        form=specification,
    )
    distribute: str = with_default(RunConfig, "distribute", "none")


@dataclasses.dataclass(frozen=True)
class ExportSettings(Settings):
    """Settings of `tfdarts-export`."""

    run_dir: str = setting(
        None,
        "Run directory with a finished training.",
        form=arguments.path_text,
    )
    name: str = setting(
        None,
        "Name of the model on the server. Defaults to the name of the "
        "data set.",
    )
    format: str = setting(
        "saved_model",
        "One or more formats, separated by commas: saved_model (TF Serving), "
        "keras, litert (phones), litert_int8 (litert in 8 bits; also writes "
        "litert, and compares the accuracy of both) or onnx. For texts only "
        "saved_model.",
        form=arguments.names,
    )
    dataset: str = setting(
        None,
        "For litert_int8: the data set of the training, if it has been "
        "moved. Defaults to the place that the training recorded.",
        form=specification,
    )
