"""The scores of a search's candidates, and the best score so far."""

import itertools

from matplotlib.ticker import PercentFormatter

from tfdarts.arguments import as_path
from tfdarts.files import write_atomically
from tfdarts.visualization import palette
from tfdarts.visualization import panels

_UNITS = {"hours": 3600, "minutes": 60, "seconds": 1}


@panels.in_default_style
def draw_trials(scores, ranks, seconds, name, path):
    """Writes a picture of the candidates of a search over their cost.

    A dot is a candidate, the line is the best score so far, and the best
    candidate is marked.

    Args:
        scores: List of floats, one per candidate, in the order of the search.
        ranks: List of sort keys of the candidates; the lowest is the best.
        seconds: List of floats, the costs of the candidates.
        name: String, the name of the score, such as `"validation accuracy"`.
        path: Path of the PNG.
    """
    figure = panels.new_figure("The candidates of the search", (10, 5.6))
    axes = figure.add_subplot()
    places, label = cost_axis(seconds)
    best_so_far = [
        min(range(number), key=lambda position: ranks[position])
        for number in range(1, len(scores) + 1)
    ]
    axes.step(
        places,
        [scores[position] for position in best_so_far],
        where="post",
        color=palette.TRAINING,
        linewidth=2.5,
        label="the best so far",
    )
    axes.plot(
        places,
        scores,
        "o",
        color=palette.QUIET,
        markersize=7,
        label="a candidate",
    )
    best = best_so_far[-1]
    axes.plot(
        [places[best]],
        [scores[best]],
        "o",
        color=palette.CHOSEN,
        markersize=12,
        label=f"the result: candidate {best + 1}",
    )
    axes.set_xlabel(label, size=panels.MEDIUM, color=palette.INK)
    axes.set_ylabel(name, size=panels.MEDIUM, color=palette.INK)
    panels.style_axes(axes)
    axes.grid(color=palette.QUIET, alpha=0.25)
    if "accuracy" in name:
        axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.legend(fontsize=panels.SMALL, frameon=False)
    write_atomically(as_path(path), panels.to_png(figure))


def cost_axis(seconds):
    """Returns the places of candidates on an axis of cost, and its name.

    Args:
        seconds: List of floats, the costs of the candidates.
    """
    spent = [*itertools.accumulate(seconds)]
    for unit, size in _UNITS.items():
        if spent[-1] >= 3 * size:
            return [each / size for each in spent], f"cost so far, {unit}"
    # Evaluations that cost next to nothing are only counted.
    return [*range(1, len(seconds) + 1)], "candidate"
