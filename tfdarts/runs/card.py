"""What the model card of an export says of its run."""

import json
import tempfile

from tfdarts.genotypes import Genotype
from tfdarts.models.multiply_adds import multiply_adds
from tfdarts.runs.pictures import optional_pictures
from tfdarts.runs.run_directory import is_of_text
from tfdarts.runs.run_directory import read_json
from tfdarts.serving.model_card import model_card
from tfdarts.visualization.cells import draw_cells

_OF_DATA = (
    *("dataset", "fingerprint", "image_size", "image_fit", "skip_broken"),
    *("validation_portion", "mean", "std"),
)
_ELSEWHERE = (
    *("class_names", "image_shape", "genotype"),
    *("vocabulary_size", "tokenizer"),
)
_IN_A_CARD = {
    "accuracy": "train_accuracy",
    "loss": "train_loss",
    "perplexity": "train_perplexity",
    "seconds": "seconds_of_training",
}
"""What is called otherwise where it stands beside figures of the test."""


def card_files(name, stage, settings, network):
    """Returns the model card, as Markdown, as JSON and with its pictures.

    Args:
        name: String, what the server calls the model.
        stage: `Stage` of the training.
        settings: Dict of its settings.
        network: Keras model, the network.

    Returns:
        Dict of bytes by relative path.
    """
    pictures = _pictures(settings["genotype"])
    # The session that ended the training.
    environment = read_json(stage.path / "environment.json")[-1]
    facts = {
        "name": name,
        **_what_it_takes(settings, network),
        "pictures": list(pictures),
        "genotype": settings["genotype"],
        "data": {
            key: settings[key] for key in _OF_DATA if settings.get(key, 0) != 0
        },
        "network": _network(settings, network),
        "results": {
            _IN_A_CARD.get(key, key): value
            for key, value in stage.results().items()
            if key != "multiply_adds"
        },
        "training": {
            key: value
            for key, value in settings.items()
            if key not in (*_OF_DATA, *_ELSEWHERE)
        },
        "environment": {
            key: environment[key] for key in environment if key != "command"
        },
    }
    return {
        "MODEL_CARD.md": model_card(facts).encode(),
        "model_card.json": json.dumps(facts, indent=2).encode(),
        **pictures,
    }


def _what_it_takes(settings, network):
    if not is_of_text(settings):
        return {
            "labels": settings["class_names"],
            "image_shape": settings["image_shape"],
        }
    return {
        "vocabulary_size": settings["vocabulary_size"],
        "tokenizer": settings["tokenizer"],
        "state_size": network.state_size,
    }


def _network(settings, network):
    facts = {"genotype": (settings["genotype"] or {}).get("name")}
    if is_of_text(settings):
        return {"cell": settings["cell"], **facts, "units": settings["units"]}
    return {**facts, "multiply_adds": multiply_adds(network)}


def _pictures(genotype):
    """Returns the pictures of the cells as files, if there are cells."""
    pictures = {}
    if genotype is None:
        return pictures
    with (
        optional_pictures("The model card is written", _EXPORT_AGAIN),
        tempfile.TemporaryDirectory() as directory,
    ):
        pictures |= {
            f"cells/{path.name}": path.read_bytes()
            for path in draw_cells(Genotype(**genotype), directory)
            if path.suffix == ".png"
        }
    return pictures


_EXPORT_AGAIN = "It has no pictures of the cells; another export may."
