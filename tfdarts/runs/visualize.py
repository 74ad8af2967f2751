"""Drawing cells, and how a search came to them."""

import csv
import logging

import numpy as np

from tfdarts.arguments import as_path
from tfdarts.console import show_progress
from tfdarts.genotypes import Genotype
from tfdarts.runs.run_directory import read_json
from tfdarts.search_spaces.lookup import SPACES
from tfdarts.search_spaces.lookup import find_genotype
from tfdarts.visualization.cells import draw_cells

logger = logging.getLogger("tfdarts")


@show_progress()
def visualize(genotype, output_dir, space="cnn"):
    """Draws the cells of a genotype.

    Args:
        genotype: `Genotype`, or what `find_genotype` takes: the path of a
            file or of a run directory, a published name, or
            `"random:<seed>"`.
        output_dir: Path of the directory to draw into; made if it is not
            there.
        space: String, `"cnn"` or `"rnn"`: of which kind of network the
            genotype is that is found by this name.

    Returns:
        The paths of the drawings.
    """
    if not isinstance(genotype, Genotype):
        genotype = find_genotype(genotype, space)
    return draw_cells(genotype, as_path(output_dir, "output_dir"))


@show_progress()
def draw_run(run_dir):
    """Draws the cells of a run, its alphas, and the signs of a collapse.

    Args:
        run_dir: Path of a run that has a `genotype.json` or was tested.

    Returns:
        The paths of the drawings: in `<run_dir>/cells`, and of a run that was
        tested those of `draw_evaluation`.

    Raises:
        ValueError: If there is nothing to draw.
    """
    run_dir = as_path(run_dir, "run_dir")
    tested = draw_evaluation(run_dir)
    if tested and not (run_dir / "genotype.json").exists():
        return tested
    return [*_draw_search(run_dir), *tested]


def draw_evaluation(run_dir):
    """Draws the confusion matrix and the reliability of a run's predictions.

    Args:
        run_dir: Path of a run.

    Returns:
        The paths of the drawings, in `<run_dir>/evaluation`; none if the run
        was not tested on images.
    """
    directory = as_path(run_dir, "run_dir") / "evaluation"
    path = directory / "report.json"
    report = read_json(path) if path.exists() else {}
    if "confusion" not in report:
        return []
    from tfdarts.visualization.predictions import draw_confusion
    from tfdarts.visualization.predictions import draw_reliability

    names = [row["class"] for row in report["classes"]]
    paths = [directory / "confusion.png", directory / "reliability.png"]
    draw_confusion(report["confusion"], names, paths[0])
    draw_reliability(report["calibration"], paths[1])
    return paths


def _draw_search(run_dir):
    """Draws the cells that a search found, and how it came to them."""
    # It takes matplotlib, whose import is most of the time that a genotype's
    # drawing would take.
    from tfdarts.visualization.alphas import draw_alphas
    from tfdarts.visualization.collapse import draw_collapse

    genotype = _found_in(run_dir)
    paths = visualize(genotype, run_dir / "cells")
    history = run_dir / "search" / "alphas.npz"
    if history.exists():
        with np.load(history) as file:
            alphas = dict(file)
        # The pictures of alpha end with the epoch that the genotype is of.
        status = read_json(run_dir / "search" / "status.json")
        best = status.get("best_epoch")
        to_best = {n: a[: best and best + 1] for n, a in alphas.items()}
        settings = read_json(run_dir / "search" / "config.json")
        space = SPACES[genotype.space](settings["num_nodes"])
        paths += draw_alphas(
            to_best, space.edges, space.primitives, run_dir / "cells"
        )
        paths.append(run_dir / "cells" / "collapse.png")
        metrics = _columns(run_dir / "search" / "metrics.csv")
        draw_collapse(alphas, space.edges, metrics, paths[-1])
    return paths


def _found_in(run_dir):
    """Returns the genotype of a run, of whatever kind it is."""
    path = run_dir / "genotype.json"
    return Genotype.load(path) if path.exists() else find_genotype(str(run_dir))


def _columns(path):
    """Returns the numbers of a CSV file by column, NaN where there is none."""
    with path.open(newline="") as file:
        rows = [*csv.DictReader(file)]
    return {
        name: [float(row[name] or "nan") for row in rows] for name in rows[-1]
    }
