"""Loss, accuracy and learning rate over the epochs of a search or training."""

import math

import numpy as np
from matplotlib.ticker import LogLocator
from matplotlib.ticker import NullLocator
from matplotlib.ticker import PercentFormatter
from matplotlib.ticker import StrMethodFormatter

from tfdarts.arguments import as_path
from tfdarts.files import write_atomically
from tfdarts.visualization import palette
from tfdarts.visualization import panels

PANELS = {
    "Loss in nats": {
        "loss": ("training", palette.TRAINING, "-"),
        "alpha_loss": ("alpha's batches", palette.ALPHA, ":"),
        "validation_loss": ("validation", palette.VALIDATION, "--"),
        "validation_supernet_loss": ("validation", palette.VALIDATION, "--"),
    },
    "Accuracy": {
        "accuracy": ("training", palette.TRAINING, "-"),
        "validation_accuracy": ("validation", palette.VALIDATION, "--"),
    },
    "Supernet accuracy": {
        "supernet_accuracy": ("training", palette.TRAINING, "-"),
        "validation_supernet_accuracy": (
            "validation",
            palette.VALIDATION,
            "--",
        ),
    },
    "Perplexity": {
        "perplexity": ("training", palette.TRAINING, "-"),
        "validation_perplexity": ("validation", palette.VALIDATION, "--"),
    },
    "Supernet perplexity": {
        "validation_supernet_perplexity": (
            "validation",
            palette.VALIDATION,
            "--",
        ),
    },
    "Learning rate": {
        "learning_rate": ("of the weights", palette.INK, "-"),
    },
}
"""The columns of each panel, each with its label, color and line style."""


@panels.in_default_style
def draw_curves(metrics, title, path):
    """Writes a picture of the curves of a search or a training.

    Each panel shows the loss, accuracy, perplexity or learning rate, for
    training and validation examples.

    Args:
        metrics: Dict of lists of floats, one value per epoch, by the columns
            of `metrics.csv`. Curves without values are left out.
        title: String.
        path: Path of the PNG.
    """
    write_atomically(as_path(path), panels.to_png(curves(metrics, title)))


def curves(metrics, title):
    """Returns the figure that `draw_curves` writes.

    Args:
        metrics, title: See `draw_curves`.
    """
    shown = {
        name: {k: style for k, style in lines.items() if k in metrics}
        for name, lines in PANELS.items()
    }
    shown = {name: lines for name, lines in shown.items() if lines}
    figure = panels.new_figure(title, (13.33, 5.6))
    ratios = [2 if name == "Learning rate" else 3 for name in shown]
    row = figure.subplots(1, len(shown), squeeze=False, width_ratios=ratios)[0]
    for axes, (name, lines) in zip(row, shown.items()):
        _draw_panel(axes, name, {k: metrics[k] for k in lines}, lines)
    return figure


def _draw_panel(axes, name, values, lines):
    epochs = len(next(iter(values.values())))
    for column, (label, color, style) in lines.items():
        axes.plot(
            range(1, epochs + 1),
            values[column],
            style,
            color=color,
            linewidth=2.5,
            marker="o" if epochs <= 12 else None,
            label=label,
        )
    title = name
    if len(lines) == 1 and name != "Learning rate":
        title = f"{name}: {label}"
    axes.set_title(title, size=panels.MEDIUM, color=palette.INK)
    axes.set_xlabel("epoch", size=panels.SMALL, color=palette.INK)
    panels.style_axes(axes)
    axes.grid(color=palette.QUIET, alpha=0.25)
    axes.set_xlim(0.5 if epochs == 1 else 1, max(epochs, 1.5))
    _set_scale(axes, name, np.array([*values.values()]))
    if len(lines) > 1:
        axes.legend(fontsize=panels.SMALL, frameon=False, handlelength=2.6)


def _set_scale(axes, name, values):
    values = values[np.isfinite(values)]
    if "accuracy" in name.lower():
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.set_ylim(0, 1.02)
    elif "perplexity" in name.lower() and len(values):
        if values.max() > 8 * values.min():
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
            axes.yaxis.set_minor_locator(NullLocator())
    elif len(values) and values.min() >= 0:
        axes.set_ylim(0, 1.08 * max(values.max(), math.ulp(1)))
