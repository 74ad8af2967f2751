"""Exporting a language model."""

from tfdarts.serving.saved_language_model import export_language_model
from tfdarts.serving.server_config import write_server_config
from tfdarts.serving.warm_up import text_warm_up_requests
from tfdarts.tasks.exported_run import warm_up


def export_text_network(network, settings, directory, run):
    """Writes the SavedModel of a language model; returns its path.

    Args:
        network: `tfdarts.models.language_model.LanguageModel`.
        settings: Dict of the settings of the network's training.
        directory: Path of the model, which holds its versions.
        run: `ExportedRun`.
    """
    vocabulary = (run.path / "vocabulary.txt").read_text(encoding="utf-8")
    path = export_language_model(
        network,
        directory,
        vocabulary.removesuffix("\n").split("\n"),
        settings["tokenizer"],
        extra_files={
            **warm_up(
                text_warm_up_requests, directory.name, network.state_size
            ),
            **run.make_card(),
        },
    )
    write_server_config(directory.parent)
    return path
