"""Drawing cells and the search that found them."""

import logging
import os
import pathlib
import sys
import types
import typing

from tfdarts.arguments import as_path
from tfdarts.console import show_progress
from tfdarts.genotypes import Genotype
from tfdarts.primitive_table import IN_PAPER
from tfdarts.records.json_files import read_json
from tfdarts.records.json_files import report_damage
from tfdarts.records.metrics import CURVES
from tfdarts.records.metrics import read_columns
from tfdarts.records.pareto_front import read_front
from tfdarts.records.probabilities import read_probabilities
from tfdarts.records.run_directory import FRONT
from tfdarts.records.run_directory import TRIALS
from tfdarts.records.run_directory import Stage
from tfdarts.records.trials import read_trials
from tfdarts.runs.evaluator_registry import score_name
from tfdarts.search_spaces.lookup import find_genotype
from tfdarts.search_spaces.lookup import look_up
from tfdarts.search_spaces.space_registry import build_space
from tfdarts.strategies.objectives import COSTS
from tfdarts.strategies.verdict import LIMITS
from tfdarts.strategies.verdict import judge
from tfdarts.tasks.task_registry import task_of_settings
from tfdarts.visualization.cell_graphs import draw_cells

if typing.TYPE_CHECKING:
    import keras

logger = logging.getLogger("tfdarts")


@show_progress()
def visualize(
    genotype: "Genotype | keras.Model | str",
    output_dir: str | os.PathLike,
    space: str = "darts",
    caption: str | None = None,
) -> list[pathlib.Path]:
    """Draws the cells of a genotype, or the choices of a Keras model.

    Args:
        genotype: `Genotype`, or an argument of `look_up`: the path of a
            file or of a run directory, a published name, or
            `"random:<seed>"`. Or a Keras model with choices, such as
            `tfdarts.LayerChoice`, whose probabilities are drawn.
        output_dir: Path of the directory to draw into; it is created if
            missing.
        space: String, the search space of a name or of `"random:<seed>"`, or
            `"cnn"` or `"rnn"`. A file says what it contains.
        caption: String that follows the titles of cells, such as what their
            network costs. Defaults to none.

    Returns:
        The paths of the drawings.
    """
    if _is_keras_model(genotype):
        return [_draw_choices(genotype, as_path(output_dir, "output_dir"))]
    if not isinstance(genotype, Genotype):
        _, genotype = look_up(genotype, space)
    return draw_cells(genotype, as_path(output_dir, "output_dir"), caption)


def _is_keras_model(value):
    """Returns whether a value is a Keras model; does not import Keras."""
    keras = sys.modules.get("keras")
    return keras is not None and isinstance(value, keras.Model)


def _draw_choices(model, directory):
    """Draws the choices of a model; returns the path of the picture."""
    from tfdarts.models.chosen_options import choices_of
    from tfdarts.visualization.choices import draw_choices

    choices = choices_of(model)
    if not choices:
        raise ValueError(
            f"The model {model.name} has no choices to draw: see "
            "tfdarts.LayerChoice. keras.utils.plot_model draws its layers."
        )
    directory.mkdir(parents=True, exist_ok=True)
    return draw_choices(choices, directory / "choices.png")


@show_progress()
def draw_run(run_dir, caption=None):
    """Draws the progress of a run so far.

    Args:
        run_dir: Path of a run that has a `genotype.json`, metrics of a stage,
            or test results.
        caption: See `visualize`.

    Returns:
        The paths of the drawings: the cells, alpha by epoch and the signs of
        a collapse in `<run_dir>/cells`, those of `draw_curves_of` for each
        stage, and after a test those of `draw_evaluation`.

    Raises:
        ValueError: If there is nothing to draw, or a file is damaged.
    """
    run_dir = as_path(run_dir, "run_dir")
    drawings = {
        TRIALS: _draw_trials,
        FRONT: _draw_front,
        "metrics.csv": draw_curves_of,
    }
    others = [
        draw(Stage(run_dir, name))
        for name in CURVES
        for file, draw in drawings.items()
        if (run_dir / name / file).exists()
    ]
    others += draw_evaluation(run_dir)
    if others and not (run_dir / "genotype.json").exists():
        return others
    genotype = genotype_of_run(run_dir)
    paths = visualize(genotype, run_dir / "cells", caption=caption)
    if (run_dir / "search" / "alphas.npz").exists():
        paths += _draw_search(Stage(run_dir, "search"), genotype)
    return [*paths, *others]


def draw_curves_of(stage):
    """Draws the curves of a stage into `curves.png` beside its metrics.

    Args:
        stage: `Stage` that has a `metrics.csv`.

    Returns:
        The path of the picture.

    Raises:
        ValueError: If the metrics are damaged.
    """
    from tfdarts.visualization.curves import draw_curves

    path = stage.path / "curves.png"
    draw_curves(_metrics_of(stage), CURVES[stage.name], path)
    return path


def _draw_trials(stage):
    """Draws the candidates of a search; returns the path of the picture."""
    from tfdarts.visualization.trial_scores import draw_trials

    path = stage.path / "candidates.png"
    name = name_of_score(stage)
    trials = read_trials(stage.path)
    draw_trials(
        [trial.score for trial in trials],
        [trial.rank for trial in trials],
        [trial.seconds for trial in trials],
        name,
        path,
    )
    return path


def _draw_front(stage):
    """Draws the Pareto front of a search; returns the path of the picture."""
    from tfdarts.visualization.front_picture import draw_front

    path = stage.path / "front.png"
    rows = read_front(stage.path)
    costs = [name for name in COSTS if any(name in row for row in rows)]
    draw_front(rows, costs, name_of_score(stage), path)
    return path


def name_of_score(stage):
    """Returns the name of the score of a search's candidates, in words."""
    settings = types.SimpleNamespace(**stage.settings())
    name = score_name(settings, task_of_settings(vars(settings)))
    return name.replace("_", " ")


def draw_evaluation(run_dir):
    """Draws the confusion matrix and the reliability diagram of a run.

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


def _metrics_of(stage):
    path = stage.path / "metrics.csv"
    with report_damage(path):
        return read_columns(path, stage.name)


def _draw_search(stage, genotype):
    """Draws alpha and the signs of a collapse; returns the paths."""
    # These import matplotlib, which would take most of the time of drawing
    # only a genotype.
    from tfdarts.visualization.alpha_history import draw_alphas
    from tfdarts.visualization.collapse import draw_collapse

    directory = stage.run_dir / "cells"
    history = read_probabilities(stage.path)
    # The pictures of alpha end with the epoch of the genotype.
    metrics = _metrics_of(stage)
    best = stage.status().get("best_epoch") or len(metrics["epoch"])
    to_best = {name: values[: best + 1] for name, values in history.items()}
    settings = stage.settings()
    # Version 0.1.0 had neither of these two settings.
    name = settings.get("space", task_of_settings(settings).space)
    listed = settings.get("primitives", IN_PAPER)
    space = build_space(name, settings["num_nodes"], listed)
    paths = draw_alphas(
        to_best, space.edges, space.primitives, genotype, directory
    )
    verdict = judge(
        {name: values[-1] for name, values in to_best.items()},
        {name: values[:best] for name, values in metrics.items()},
    )
    path = directory / "collapse.png"
    draw_collapse(history, metrics, verdict, LIMITS, path, best)
    return [*paths, path]


def genotype_of_run(run_dir):
    """Returns the genotype of a run of any kind."""
    path = run_dir / "genotype.json"
    return Genotype.load(path) if path.exists() else find_genotype(str(run_dir))
