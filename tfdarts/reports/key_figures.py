"""The key figures and the main settings of a run."""

from tfdarts.duration import format_duration
from tfdarts.reports.shown_number import show_number

_OVERVIEW = {
    "search": {
        "dataset": "data of the search",
        "space": "search space",
        "num_nodes": "nodes of a cell",
        "primitives": "operations of an edge",
        "evaluator": "evaluator",
        "num_candidates": "candidates",
        "epochs": "epochs of the search",
        "order": "order of the gradient",
        "seed": "seed of the search",
    },
    "training": {
        "dataset": "data of the training",
        "init_channels": "channels of the first cell",
        "num_cells": "cells of the network",
        "units": "units of the cell",
        "epochs": "epochs of the training",
        "seed": "seed of the training",
    },
}
"""Settings that say what was searched and trained, with their names."""


def overview_of(run):
    """Returns the main settings of the stages, a list of pairs of texts.

    Args:
        run: See `facts_of`.
    """
    known = {
        stage: {**run[stage]["settings"]} for stage in _OVERVIEW if run[stage]
    }
    search = run["search"]
    if search:
        known["search"]["primitives"] = search["primitives"]
    if search and search["unit"] == "candidate":
        # Its settings are those of the trainings of candidates.
        known["search"].pop("epochs", None)
    return [
        (title, str(settings[name]))
        for stage, settings in known.items()
        for name, title in _OVERVIEW[stage].items()
        if settings.get(name) is not None
    ]


def facts_of(run):
    """Returns the key figures of a run, a list of triples of texts.

    Args:
        run: Dict, the parts of `tfdarts.reports.run_page.read_run`.

    Returns:
        Triples of a name, a value and an explanation, which may be empty.
    """
    test, training, search = run["test"], run["training"], run["search"]
    facts = []
    figures = test["figures"] if test else {}
    if "test_accuracy" in figures:
        interval = test["interval"]
        note = (
            f"95% interval {interval[0]:.1%} to {interval[1]:.1%}"
            if interval
            else ""
        )
        shown = f"{figures['test_accuracy']:.2%}"
        facts.append(("Test accuracy", shown, note))
    if "test_perplexity" in figures:
        shown = show_number(figures["test_perplexity"])
        facts.append(("Test perplexity", shown, "lower is better"))
    if "test_calibration_error" in figures:
        shown = f"{figures['test_calibration_error']:.2%}"
        facts.append(("Calibration error", shown, "expected, 15 bins"))
    results = training["results"] if training else {}
    if "num_parameters" in results:
        shown = show_number(results["num_parameters"])
        facts.append(("Parameters", shown, "trainable"))
    for name, part in (("Search", search), ("Training", training)):
        seconds = part and part["status"].get("seconds")
        if seconds:
            note = f"{part['done']} {part.get('unit', 'epoch')}s"
            kind = "cost" if part.get("trials") else "time"
            facts.append((f"{name} {kind}", format_duration(seconds), note))
    if search and search["trials"]:
        trials = search["trials"]
        score = trials["rows"][trials["best"] - 1]["shown"]
        note = f"{trials['name']}, candidate {trials['best']}"
        facts.append(("Best score", score, note))
    if search and search["verdict"]:
        facts.append(("Signs of a collapse", search["verdict"].headline, ""))
    return facts
