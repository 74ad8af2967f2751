"""Early signs of a collapse, over the epochs of a search, and a verdict."""

import itertools

import numpy as np

from tfdarts.arguments import as_path
from tfdarts.files import write_atomically
from tfdarts.search_spaces.entropy import entropy
from tfdarts.search_spaces.entropy import largest_entropy
from tfdarts.structures import title_of
from tfdarts.visualization import palette
from tfdarts.visualization import panels

_STYLES = ((palette.TRAINING, "-"), (palette.VALIDATION, "--"))

LINES = {
    "skip_connections": "Skip connections",
    "epochs_unchanged": "Epochs unchanged",
    "dominant_eigenvalue": "Largest eigenvalue",
}


@panels.in_default_style
def draw_collapse(history, metrics, verdict, limits, path, best_epoch=None):
    """Writes a picture of the signs of a collapse of a search.

    The verdict is at the top, in words. Below are the entropy of alpha, as
    mean and range over the edges of each cell; the skip connections of the
    normal cell; the number of epochs since the genotype changed; and, if
    measured, the largest eigenvalue of the validation loss's Hessian in alpha.

    Args:
        history: Dict of arrays `(epochs + 1, edges, primitives)`, by cell
            type: the probabilities of the primitives, row 0 for the initial
            alphas.
        metrics: Dict of lists, one value per epoch: `"epochs_unchanged"` and
            optionally `"skip_connections"` and `"dominant_eigenvalue"`.
        verdict: Object with `sound`, `headline` and `reasons`: see
            `tfdarts.strategies.verdict.Verdict`.
        limits: Dict from names of `metrics` to a limit and its name.
        path: Path of the PNG.
        best_epoch: Integer, the epoch whose genotype is the result, if it is
            not the last one.
    """
    figure = panels.new_figure(
        verdict.headline,
        color=palette.GOOD if verdict.sound else palette.BAD,
        weight="bold",
    )
    height = 0.4 + 0.35 * len(verdict.reasons)
    above, below = figure.subfigures(2, 1, height_ratios=(height, 6 - height))
    above.text(
        0.5,
        0.5,
        "\n".join(verdict.reasons),
        ha="center",
        va="center",
        size=panels.MEDIUM,
        color=palette.INK,
        linespacing=1.6,
    )
    shown = [name for name in LINES if name in metrics]
    ratios = [1.4, *(1 for _ in shown)]
    axes, *lines = below.subplots(1, 1 + len(shown), width_ratios=ratios)
    _draw_entropies(axes, history)
    for panel, name in zip(lines, shown):
        _draw_line(panel, name, metrics[name], limits.get(name))
    epochs = len(next(iter(history.values()))) - 1
    for panel in (axes, *lines):
        panel.set_xlabel("epoch", size=panels.SMALL, color=palette.INK)
        panel.set_xlim(0, max(epochs, 1) + 0.02 * epochs)
        panel.grid(color=palette.QUIET, alpha=0.25)
        if best_epoch and best_epoch < epochs:
            panel.axvline(best_epoch, color=palette.INK, linestyle="-.")
            _note(panel, best_epoch, 0.97, " result", va="top")
    write_atomically(as_path(path), panels.to_png(figure))


def _draw_entropies(axes, history):
    for (cell_type, probabilities), (color, style) in zip(
        history.items(), itertools.cycle(_STYLES)
    ):
        values = entropy(probabilities)
        axes.fill_between(
            range(len(values)),
            values.min(1),
            values.max(1),
            color=color,
            alpha=0.15,
            linewidth=0,
        )
        axes.plot(
            values.mean(1),
            style,
            color=color,
            linewidth=2.5,
            marker="o" if len(values) <= 12 else None,
            label=title_of(cell_type),
        )
    largest = largest_entropy(probabilities[0])
    axes.axhline(largest, color=palette.QUIET, linestyle=":")
    axes.set_title(
        "Entropy of alpha in nats", size=panels.MEDIUM, color=palette.INK
    )
    axes.set_ylim(0, 1.08 * largest)
    axes.legend(
        loc="lower left",
        fontsize=panels.SMALL,
        frameon=False,
        title="mean, and range of the edges",
        title_fontsize=panels.SMALL,
        alignment="left",
    )
    panels.style_axes(axes)
    _note(axes, 0.02, largest, "undecided", va="bottom", of_data=True)


def _draw_line(axes, name, values, limit):
    axes.plot(
        np.arange(1, len(values) + 1),
        values,
        color=palette.INK,
        linewidth=2.5,
        marker="o" if len(values) <= 12 else None,
    )
    axes.set_title(LINES[name], size=panels.MEDIUM, color=palette.INK)
    tops = [1e-9, *values, *([4] if name != "dominant_eigenvalue" else [])]
    if limit:
        height, words = limit
        tops.append(height)
        axes.axhline(height, color=palette.BAD, linestyle="--")
        _note(axes, 0.02, height, words, va="bottom", of_data=True)
    axes.set_ylim(0, 1.12 * np.nanmax(tops))
    panels.style_axes(axes)
    if name != "dominant_eigenvalue":
        axes.yaxis.get_major_locator().set_params(integer=True)


def _note(axes, x, y, words, va, of_data=False):
    """Writes words at a data value of the y axis, or at an epoch."""
    transform = (
        axes.get_yaxis_transform() if of_data else axes.get_xaxis_transform()
    )
    axes.text(
        x,
        y,
        words,
        va=va,
        size=panels.SMALL,
        color=palette.INK,
        transform=transform,
        bbox={
            "facecolor": palette.BACKGROUND,
            "edgecolor": "none",
            "alpha": 0.8,
            "pad": 1,
        },
    )
