"""All parts of the page about one run."""

from tfdarts.genotypes import Genotype
from tfdarts.reports.advice import advise
from tfdarts.reports.epoch_panels import Drawings
from tfdarts.reports.evaluation_part import evaluation_part
from tfdarts.reports.key_figures import facts_of
from tfdarts.reports.key_figures import overview_of
from tfdarts.reports.record_part import record_part
from tfdarts.reports.run_files import RunFiles
from tfdarts.reports.search_part import search_part
from tfdarts.reports.training_part import training_part

_STAGES = {"Search": "search", "Training": "train"}
_DERIVED = {"facts": facts_of, "overview": overview_of, "advice": advise}
"""The parts of the page that depend on the other parts."""


def read_run(run_dir):
    """Returns all that the page shows about a run, a dict.

    What is missing is `None` or empty; `notes` lists the files that are
    there but cannot be read.

    Args:
        run_dir: Path of the run.

    Raises:
        ValueError: If the directory holds no run.
    """
    files = RunFiles(run_dir)
    training = files.attempt("The training", lambda: training_part(files))
    genotype = _genotype(files, training)
    search = files.attempt("The search", lambda: search_part(files, genotype))
    record = files.attempt("The record", lambda: record_part(files)) or []
    drawings = Drawings(files, "result")
    results = training["results"] if training else {}
    run = {
        "path": str(files.path),
        "name": files.path.resolve().name,
        "search": search,
        "training": training,
        "test": files.attempt(
            "The test", lambda: evaluation_part(files, results)
        ),
        "seeds": _seeds(files),
        "selection": _selection(files),
        "has_genotype": genotype is not None,
        "genotype_json": genotype.to_json() if genotype else None,
        "cells": [*drawings.of(genotype).values()] if genotype else [],
        "drawings": drawings,
        "record": record,
        "typed": {_STAGES[each["title"]]: each["typed"] for each in record},
    }
    for name, read in _DERIVED.items():
        run[name] = files.attempt(f"The {name}", lambda: read(run)) or []
    # Each file is read by several parts.
    run["notes"] = [*dict.fromkeys(files.notes)]
    return run


def _genotype(files, training):
    """Returns the genotype of the run, or that of its training."""
    path = files.path / "genotype.json"
    if path.exists():
        return files.attempt(path.name, lambda: Genotype.load(path))
    recorded = training and training["genotype"]
    if not isinstance(recorded, dict):
        return None
    return files.attempt(
        "The genotype of the training", lambda: Genotype.from_dict(recorded)
    )


def _seeds(files):
    """Returns means and deviations over seeds, or `None`."""
    content = files.json("seeds.json", dict)
    if not content:
        return None
    stage = content.get("evaluate") or content.get("train")
    return files.attempt(
        "seeds.json",
        lambda: {
            "seeds": stage["seeds"],
            "rows": [
                {"name": name, **values}
                for name, values in stage.items()
                if name != "seeds"
            ],
        },
    )


def _selection(files):
    """Returns the ranked candidates of a selection, or `None`."""
    content = files.json("selection.json", list)
    if not content:
        return None
    return files.attempt(
        "selection.json",
        lambda: [
            {
                "candidate": str(row["candidate"]),
                "loss": row["validation_loss"],
                "accuracy": row.get("validation_accuracy"),
                "parameters": row["num_parameters"],
            }
            for row in content
        ],
    )
