"""The Pareto front of a search: scores of candidates over their costs."""

import numpy as np
from matplotlib.ticker import EngFormatter
from matplotlib.ticker import PercentFormatter

from tfdarts.arguments import as_path
from tfdarts.files import write_atomically
from tfdarts.visualization import palette
from tfdarts.visualization import panels

_TITLES = {
    "parameters": "parameters",
    "multiply_adds": "multiply-adds per image",
    "milliseconds": "milliseconds per image",
}


@panels.in_default_style
def draw_front(rows, costs, name, path):
    """Writes a picture of the scores of candidates over their costs.

    There is a panel for each cost. The candidates of the front have their
    numbers; with one cost, a line joins them.

    Args:
        rows: List of dicts, one for each candidate: `candidate`, `score`,
            `on_front` and the costs.
        costs: List of the names of the costs.
        name: String, the name of the score, such as `"validation accuracy"`.
        path: Path of the PNG.
    """
    front = [row for row in rows if row["on_front"]]
    scores = [row["score"] for row in rows]
    # A few poor candidates would leave the front a tenth of the picture.
    lowest = min(np.quantile(scores, 0.1), min(row["score"] for row in front))
    figure = panels.new_figure(
        f"The Pareto front: {len(front)} of {len(rows)} candidates"
    )
    all_axes = figure.subplots(1, len(costs), sharey=True, squeeze=False)[0]
    for axes, cost in zip(all_axes, costs):
        _draw_panel(axes, rows, front, cost, lowest, joined=len(costs) == 1)
        axes.set_xlabel(_TITLES[cost], size=panels.MEDIUM, color=palette.INK)
        axes.tick_params(labelsize=panels.SMALL, colors=palette.INK)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color=palette.QUIET, alpha=0.25)
        axes.xaxis.set_major_formatter(EngFormatter(sep=" "))
        if "accuracy" in name:
            axes.yaxis.set_major_formatter(PercentFormatter(1))
    all_axes[0].set_ylabel(name, size=panels.MEDIUM, color=palette.INK)
    handles, labels = all_axes[0].get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=2,
        fontsize=panels.MEDIUM,
        frameon=False,
        labelcolor=palette.INK,
    )
    write_atomically(as_path(path), panels.to_png(figure))


def _draw_panel(axes, rows, front, cost, lowest, joined):
    """Draws the candidates over one cost, the front above the others."""
    dominated = [row for row in rows if not row["on_front"]]
    others = [row for row in dominated if row["score"] >= lowest]
    left_out = len(dominated) - len(others)
    more = f"; {left_out} more are below" if left_out else ""
    axes.plot(
        [row[cost] for row in others],
        [row["score"] for row in others],
        "o",
        color=palette.FAINT,
        markersize=6,
        label=f"a candidate that another dominates{more}",
    )
    ordered = sorted(front, key=lambda row: row[cost])
    places = [row[cost] for row in ordered]
    scores = [row["score"] for row in ordered]
    if joined:
        axes.step(
            places, scores, where="post", color=palette.CHOSEN, linewidth=1.5
        )
    axes.plot(
        places,
        scores,
        "o",
        color=palette.CHOSEN,
        markersize=9,
        label="the front, with numbers of candidates",
    )
    axes.margins(x=0.07, y=0.08)
    for row in _apart(ordered, cost, axes):
        axes.annotate(
            str(row["candidate"]),
            (row[cost], row["score"]),
            xytext=(-5, 6),  # Left above a point, no other is on the front.
            textcoords="offset points",
            ha="right",
            size=panels.SMALL,
            color=palette.INK,
        )


def _apart(ordered, cost, axes):
    """Returns the candidates whose numbers do not cover one another."""
    wide, high = np.ptp(axes.get_xlim()) / 25, np.ptp(axes.get_ylim()) / 25
    kept = []
    for row in [*ordered[-1:], *ordered[:-1]]:
        if all(
            abs(row[cost] - other[cost]) > wide
            or abs(row["score"] - other["score"]) > high
            for other in kept
        ):
            kept.append(row)
    return kept
