"""The origin of a trained genotype, and facts about its search."""

import pathlib
import types

from tfdarts.genotypes import Genotype
from tfdarts.genotypes import published_names
from tfdarts.records.json_files import read_json
from tfdarts.records.metrics import read_columns
from tfdarts.records.probabilities import read_probabilities
from tfdarts.records.run_directory import Stage
from tfdarts.records.trials import read_trials
from tfdarts.runs.evaluator_registry import score_name
from tfdarts.runs.search_configs import search_config_class_of
from tfdarts.settings.effect import settings_with_effect
from tfdarts.strategies.verdict import judge
from tfdarts.tasks.task_registry import task_of_settings


def search_of(stage, genotype):
    """Returns the stage of the search that found a genotype, or `None`.

    Args:
        stage: `Stage` of the training.
        genotype: Dict, the genotype in the settings, or `None`.
    """
    if genotype is None or genotype["name"]:
        return None
    given = _given_genotype(stage)
    run_dir = pathlib.Path(given) if given else stage.run_dir
    chosen = _selected(run_dir)
    if chosen is not None:
        run_dir = pathlib.Path(chosen)
        if run_dir.is_file():
            return None  # It need not be the genotype that the search kept.
    search = Stage(run_dir, "search")
    file = run_dir / "genotype.json"
    if not search.finished or not file.is_file():
        return None
    return (
        search if Genotype.load(file) == Genotype.from_dict(genotype) else None
    )


def origin_of(stage, genotype, search):
    """Returns a sentence that says where a genotype comes from.

    Args:
        stage: `Stage` of the training.
        genotype: Dict, the genotype in the settings.
        search: The result of `search_of`.
    """
    name = genotype["name"]
    if search is not None:
        candidate = search.status().get("best_candidate")
        if candidate:
            return (
                f"Found by a {search.settings()['strategy']} search, as its "
                f"candidate {candidate}; see below."
            )
        epoch = search.status().get("best_epoch")
        strategy = search.settings().get("strategy", "darts")
        named = "DARTS" if strategy == "darts" else strategy
        return f"Found by a {named} search, in its epoch {epoch}; see below."
    if name and name.startswith("random:"):
        return f"Drawn at random from the search space, not searched: {name}."
    if name in published_names(Genotype.from_dict(genotype).space):
        return f"The published cell {name}."
    given = _given_genotype(stage)
    chosen = _selected(pathlib.Path(given) if given else stage.run_dir)
    if chosen is not None:
        return f"Chosen by a selection among several genotypes: {chosen}."
    return f"Read from {given}." if given else "Its search is not known."


def search_facts(search):
    """Returns the facts of a search for a model card, a dict.

    Args:
        search: `Stage` of a finished search.
    """
    settings, status = search.settings(), search.status()
    seconds = {"seconds": round(status.get("seconds", 0.0), 1)}
    task = task_of_settings(settings)
    used = settings_with_effect(
        search_config_class_of(settings, task), settings
    )
    trials = read_trials(search.path)
    if trials:
        figure = score_name(types.SimpleNamespace(**settings), task)
        return {
            "candidates": len(trials),
            "candidate_of_the_genotype": status["best_candidate"],
            figure: trials[status["best_candidate"] - 1].score,
            **seconds,
            **used,
        }
    if not (search.path / "metrics.csv").exists():
        return {"candidates": 0, **seconds, **used}
    metrics = read_columns(search.path / "metrics.csv", "search")
    best = status.get("best_epoch") or len(metrics["epoch"])
    history = read_probabilities(search.path)
    probabilities = {name: values[best] for name, values in history.items()}
    to_best = {name: values[:best] for name, values in metrics.items()}
    verdict = judge(probabilities, to_best)
    measured = (
        "alpha_entropy",
        "skip_connections",
        "validation_supernet_accuracy",
        "validation_supernet_perplexity",
    )
    return {
        "verdict": f"{verdict.headline}. {' '.join(verdict.reasons)}",
        "epochs_done": len(metrics["epoch"]),
        "epoch_of_the_genotype": best,
        **seconds,
        **{name: to_best[name][-1] for name in measured if name in to_best},
        **used,
    }


def _selected(run_dir):
    """Returns what a selection has chosen, as the user gave it, or `None`."""
    if not (run_dir / "selection.json").exists():
        return None
    best, *_ = read_json(run_dir / "selection.json")
    return best["genotype"]


def _given_genotype(stage):
    """Returns the value of `--genotype` of a training, or `None`."""
    flags = stage.path / "flags.cfg"
    lines = flags.read_text().splitlines() if flags.exists() else ()
    for line in lines:
        name, _, value = line.partition("=")
        if name == "--genotype":
            return value
    return None
