"""The candidates of a search and their Pareto front, for the page of a run."""

import math

from tfdarts.records.pareto_front import read_front
from tfdarts.records.run_directory import FRONT
from tfdarts.reports.charts import Line
from tfdarts.reports.charts import line_chart
from tfdarts.reports.shown_number import show_number
from tfdarts.runs.visualize import name_of_score
from tfdarts.visualization.trial_scores import cost_axis

_NO_COSTS = ("candidate", "score", "on_front")


def candidates_part(files, trials):
    """Returns the candidates of a search: charts and a table, a dict.

    Args:
        files: `RunFiles`.
        trials: List of `Evaluation`, at least one.
    """
    name = files.attempt(
        "The name of the score", lambda: name_of_score(files.stages["search"])
    )
    name = (name or "score").replace("_", " ")
    places, axis = cost_axis([trial.seconds or 0 for trial in trials])
    best_so_far = [
        min(range(count), key=lambda position: trials[position].rank)
        for count in range(1, len(trials) + 1)
    ]
    scores = [trial.score for trial in trials]
    best = [scores[position] for position in best_so_far]
    front = _front(files)
    return {
        "name": name,
        "best": best_so_far[-1] + 1,
        "best_so_far": [position + 1 for position in best_so_far],
        "charts": [
            line_chart(
                f"Candidates of the search: {name}",
                [
                    Line("a candidate", places, scores, "dots"),
                    Line("the best so far", places, best, is_stepped=True),
                ],
                x_label=axis,
                percent="accuracy" in name,
            ),
            *_front_charts(front, name),
        ],
        "on_front": [row["candidate"] for row in front if row["on_front"]],
        "rows": [
            {
                "shown": _show_score(trial.score, name),
                "seconds": trial.seconds,
                "parameters": trial.parameters,
                "multiply_adds": trial.multiply_adds,
                "name": trial.genotype.name,
            }
            for trial in trials
        ],
    }


def _front(files):
    """Returns the rows of the Pareto front; none without objectives."""
    directory = files.path / "search"
    if not (directory / FRONT).exists():
        return []
    return files.attempt(f"search/{FRONT}", lambda: read_front(directory)) or []


def _front_charts(front, name):
    """Returns a chart for each cost: the candidates, and the front."""
    costs = dict.fromkeys(key for row in front for key in row)
    charts = []
    for cost in costs:
        rows = sorted(
            (row for row in front if cost in row), key=lambda row: row[cost]
        )
        chosen = [row for row in rows if row["on_front"]]
        if cost in _NO_COSTS:
            continue
        lines = [
            Line("a candidate", *_points(rows, cost), "dots"),
            Line("the Pareto front", *_points(chosen, cost)),
        ]
        charts.append(
            line_chart(
                f"Pareto front: {name} over {cost.replace('_', ' ')}",
                lines,
                x_label=cost.replace("_", " "),
                percent="accuracy" in name,
            )
        )
    return charts


def _points(rows, cost):
    """Returns the costs and the scores of candidates, two lists."""
    return [row[cost] for row in rows], [row["score"] for row in rows]


def _show_score(score, name):
    """Returns a score as text.

    Example:

    >>> _show_score(0.9, "validation accuracy"), _show_score(math.nan, "x")
    ('90.00%', 'diverged')
    """
    if not math.isfinite(score):
        return "diverged"
    return f"{score:.2%}" if "accuracy" in name else show_number(score)
