"""Genotype and alphas of each epoch of a search, for a slider."""

import numpy as np

from tfdarts.genotypes import Genotype
from tfdarts.primitive_table import IN_PAPER
from tfdarts.reports.cell_svg import cell_svg
from tfdarts.reports.cell_svg import describe_cell
from tfdarts.search_spaces.space_registry import build_space
from tfdarts.structures import title_of
from tfdarts.tasks.task_registry import task_of_settings
from tfdarts.visualization.alpha_history import chosen_edges
from tfdarts.visualization.panels import edge_names

MOST_EPOCHS = 60
"""The number of epochs up to which the page has all of them."""


class Drawings:
    """Drawings of cells; equal cells of one type are drawn once.

    Args:
        files: `RunFiles`, for notes about cells that cannot be drawn.
        prefix: String, the beginning of the names of the drawings.

    Attributes:
        symbols: List of the results of `cell_svg`, each with an `id`.
    """

    def __init__(self, files, prefix):
        self.files = files
        self.prefix = prefix
        self.symbols = []
        self._known = {}

    def of(self, genotype):
        """Returns the cells of a genotype, a dict by cell type.

        Args:
            genotype: `Genotype`.

        Returns:
            Dict of dicts of `title`, `words` and `symbol`, which is `None`
            if the cell cannot be drawn.
        """
        return {
            name: {
                "title": title_of(name),
                "words": describe_cell(genotype, name),
                "symbol": self._symbol(genotype, name),
            }
            for name in genotype.cells
        }

    def _symbol(self, genotype, name):
        key = name, genotype.cells[name]
        if key not in self._known:
            drawn = self.files.attempt(
                f"The {title_of(name)}", lambda: cell_svg(genotype, name)
            )
            if drawn:
                drawn["id"] = f"{self.prefix}-cell-{len(self.symbols)}"
                self.symbols.append(drawn)
            self._known[key] = drawn
        return self._known[key]


def space_of(settings):
    """Returns the search space of the settings of a search.

    Args:
        settings: Dict. Version 0.1.0 recorded neither the space nor its
            primitives.
    """
    name = settings.get("space") or task_of_settings(settings).space
    listed = settings.get("primitives", IN_PAPER)
    return build_space(name, settings["num_nodes"], listed)


def shown_epochs(count, best, most=MOST_EPOCHS):
    """Returns the epochs that a page shows, evenly spaced if too many.

    Args:
        count: Integer, the number of epochs.
        best: Integer, the epoch of the result, or `None`.
        most: Integer, the number of epochs to show, about.

    Example:

    >>> shown_epochs(4, 4), shown_epochs(9, 7, most=3)
    ([0, 1, 2, 3, 4], [0, 4, 7, 9])
    """
    if count < most:
        return [*range(count + 1)]
    spaced = np.linspace(0, count, most).round().astype(int).tolist()
    return sorted({*spaced, *([best] if best else [])})


def epoch_panels(files, settings, history, genotype, best, length):
    """Returns the panels of a slider over the epochs of a search.

    Args:
        files: `RunFiles`.
        settings: Dict of the settings of the search.
        history: Dict of arrays `(epochs + 1, edges, primitives)`.
        genotype: `Genotype` of the run, or `None`.
        best: Integer, the epoch of the result, or `None` before the end.
        length: Integer, the number of epochs that the search was begun with.

    Returns:
        Dict: `panels`, a list of dicts by epoch; `first`, the position of
        the panel to show first; `count`, the number of recorded epochs;
        `total`, the number of epochs of the whole search; `is_whole`, whether
        no recorded epoch is left out; and `drawings`, `Drawings`.
    """
    space = space_of(settings)
    count = len(next(iter(history.values()))) - 1
    drawings = Drawings(files, "epoch")
    epochs = shown_epochs(count, best)
    panels = []
    for epoch in epochs:
        found = _genotype_of(files, epoch)
        if epoch == best and genotype is not None and found is None:
            found = genotype
        drawn = drawings.of(found) if found else {}
        panels.append(
            {
                "epoch": epoch,
                "is_result": epoch == best,
                "cells": [
                    {
                        "drawn": drawn.get(name),
                        "weights": _weight_table(
                            space, name, values[epoch], found
                        ),
                    }
                    for name, values in history.items()
                ],
            }
        )
    return {
        "panels": panels,
        "count": count,
        "total": count if best else max(count, length),
        "first": epochs.index(best) if best in epochs else len(epochs) - 1,
        "is_whole": len(epochs) == count + 1,
        "drawings": drawings,
    }


def _genotype_of(files, epoch):
    """Returns the genotype after an epoch, or `None`."""
    name = f"search/genotypes/epoch_{epoch}.json"
    if not (files.path / name).exists():
        return None
    return files.attempt(name, lambda: Genotype.load(files.path / name))


def _weight_table(space, cell_type, values, genotype):
    """Returns the weights of the operations of a cell, in percent."""
    chosen = chosen_edges(genotype, cell_type, space.edges) if genotype else {}
    rows = []
    for edge, name in enumerate(edge_names(cell_type, space.edges)):
        kept = chosen.get(edge)
        rows.append(
            {
                "edge": name,
                "weights": [
                    {
                        "percent": round(100 * float(value)),
                        "chosen": primitive == kept,
                    }
                    for primitive, value in zip(space.primitives, values[edge])
                ],
            }
        )
    return {
        "title": title_of(cell_type),
        "primitives": space.primitives,
        "rows": rows,
    }
