"""The files of an export's model card, from its run directory."""

import json
import tempfile

from tfdarts.genotypes import Genotype
from tfdarts.records.json_files import read_json
from tfdarts.records.pictures import optional_pictures
from tfdarts.runs.genotype_origin import origin_of
from tfdarts.runs.genotype_origin import search_facts
from tfdarts.runs.genotype_origin import search_of
from tfdarts.serving.model_card import model_card
from tfdarts.settings.effect import settings_with_effect
from tfdarts.tasks.task_registry import task_of_settings
from tfdarts.visualization.cell_graphs import draw_cells

_CARD_NAMES = {
    "accuracy": "train_accuracy",
    "loss": "train_loss",
    "perplexity": "train_perplexity",
    "seconds": "seconds_of_training",
}
"""Names of training results, so that they differ from the test results."""


def card_files(name, stage, settings, network):
    """Returns the model card as Markdown and JSON, and its pictures.

    Args:
        name: String, the name of the model on the server.
        stage: `Stage` of the training.
        settings: Dict of the settings of the training.
        network: Keras model, the network.

    Returns:
        Dict of bytes by relative path, with `genotype.json` if the network
        has a genotype.
    """
    genotype = settings["genotype"]
    pictures = _pictures(genotype)
    search = search_of(stage, genotype)
    task = task_of_settings(settings)
    config = task.configs["train"]
    used = settings_with_effect(config, settings)
    elsewhere = *task.data_settings, *task.network_settings, "genotype"
    facts = {
        "name": name,
        "task": task.name,
        **task.card_facts(settings, network),
        "pictures": list(pictures),
        "genotype": genotype,
        "origin": genotype and origin_of(stage, genotype, search),
        "results": {
            _CARD_NAMES.get(key, key): value
            for key, value in stage.results().items()
            if key != "multiply_adds"
        },
        "seeds": _seed_statistics(stage.run_dir, task.metrics_of_seeds),
        "data": {
            key: settings[key]
            for key in task.data_settings
            if key in used or settings.get(key) and not hasattr(config, key)
        },
        "network": {
            **{key: used[key] for key in task.network_settings if key in used},
            **task.cost(network),
        },
        "training": {
            key: value for key, value in used.items() if key not in elsewhere
        },
        "search": search and search_facts(search),
        "environment": _environment(stage),
    }
    files = {
        "MODEL_CARD.md": model_card(facts, task.describe_model(facts)).encode(),
        "model_card.json": json.dumps(facts, indent=2).encode(),
        **pictures,
    }
    if genotype:
        files["genotype.json"] = Genotype.from_dict(genotype).to_json().encode()
    return files


def _environment(stage):
    """Returns the machine of the training, and of the test if it differs."""
    # The last entry is the process that finished the training.
    environment = read_json(stage.path / "environment.json")[-1]
    facts = {k: v for k, v in environment.items() if v and k != "command"}
    report = stage.run_dir / "evaluation" / "report.json"
    tested = read_json(report).get("machine") if report.exists() else None
    if tested:
        facts |= {
            f"{name}_of_the_test": value
            for name, value in tested.items()
            if facts.get(name) != value
        }
    return facts


def _seed_statistics(run_dir, names):
    """Returns means and deviations over seeds, if the run is one of several."""
    path = run_dir.absolute().parent / "seeds.json"
    if not run_dir.absolute().name.startswith("seed") or not path.exists():
        return None
    by_stage = read_json(path)
    summary = by_stage.get("evaluate") or by_stage.get("train") or {}
    return {
        "seeds": summary.get("seeds"),
        **{key: summary[key] for key in names if key in summary},
    }


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
            for path in draw_cells(Genotype.from_dict(genotype), directory)
            if path.suffix == ".png"
        }
    return pictures


_EXPORT_AGAIN = (
    "The card has no pictures of the cells; export again to add them."
)
