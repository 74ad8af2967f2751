"""Which classes are taken for which, and how sure a network is of it."""

import numpy as np
from matplotlib.ticker import PercentFormatter

from tfdarts.arguments import as_path
from tfdarts.files import write_atomically
from tfdarts.visualization import palette
from tfdarts.visualization import panels
from tfdarts.visualization.tick_names import name_ticks

MOST_COUNTS = 20
"""Classes up to which each field says its count."""

MOST_NAMES = 40
"""Classes up to which each is named."""


def draw_confusion(matrix, class_names, path):
    """Writes a picture of a confusion matrix.

    Rows are the classes, columns what they were taken for; a field's colour
    is its share of the row.

    Args:
        matrix: Rows of integers.
        class_names: Sequence of strings.
        path: Path of the PNG.
    """
    matrix = np.asarray(matrix)
    totals = matrix.sum(1, keepdims=True)
    shares = matrix / np.maximum(totals, 1)
    side = 5.5 + 0.25 * min(len(matrix), MOST_NAMES)
    right = np.trace(matrix) / matrix.sum()
    figure = panels.new_figure(
        f"What was taken for what: {right:.1%} right", (side + 1, side)
    )
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if len(matrix) <= MOST_NAMES:
        name_ticks(axes.xaxis, class_names)
        name_ticks(axes.yaxis, class_names)
        if max(map(len, class_names)) > 3:
            axes.tick_params(axis="x", rotation=45)
            for label in axes.get_xticklabels():
                label.set_horizontalalignment("right")
    axes.set_xlabel("predicted class", size=panels.MEDIUM, color=palette.INK)
    axes.set_ylabel("class", size=panels.MEDIUM, color=palette.INK)
    axes.tick_params(
        labelsize=panels.SMALL, colors=palette.INK, length=0, pad=4
    )
    axes.spines[:].set_visible(False)
    if len(matrix) <= MOST_COUNTS:
        for row, column in np.argwhere(matrix):
            axes.text(
                column,
                row,
                f"{matrix[row, column]:,}",
                ha="center",
                va="center",
                size=panels.SMALL,
                color="white" if shares[row, column] > 0.5 else palette.INK,
            )
    bar = figure.colorbar(
        image, ax=axes, fraction=0.04, format=PercentFormatter(1)
    )
    bar.set_label("share of the class", size=panels.SMALL, color=palette.INK)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=panels.SMALL, colors=palette.INK)
    write_atomically(as_path(path), panels.png(figure))


def draw_reliability(calibration, path):
    """Writes a picture of how confidence and accuracy go together.

    Args:
        calibration: Dict with `error` and, of each bin of confidence, its
            `count`, `confidence` and `accuracy`.
        path: Path of the PNG.
    """
    count = np.array(calibration["count"])
    edges = np.linspace(0, 1, len(count) + 1)
    middles, width = (edges[:-1] + edges[1:]) / 2, edges[1]
    full = count > 0
    confidence, accuracy = (
        np.array(calibration[name], float)[full]
        for name in ("confidence", "accuracy")
    )
    figure = panels.new_figure(
        f"Confidence and accuracy: expected calibration error "
        f"{calibration['error']:.1%}",
        (8, 7.5),
    )
    above, below = figure.subplots(2, 1, height_ratios=(3, 1), sharex=True)
    above.bar(
        middles[full],
        accuracy,
        0.92 * width,
        color=palette.primitive_color("sep_conv_5x5"),
        label="accuracy of the bin",
    )
    above.plot(
        [0, 1], [0, 1], "--", color=palette.QUIET, label="perfectly calibrated"
    )
    above.plot(
        confidence,
        accuracy,
        "o",
        color=palette.INK,
        markersize=5,
        label="mean confidence of the bin",
    )
    above.set_ylabel("accuracy", size=panels.MEDIUM, color=palette.INK)
    above.legend(loc="upper left", framealpha=0.9, fontsize=panels.SMALL)
    below.bar(middles, count / count.sum(), 0.92 * width, color=palette.QUIET)
    below.set_ylabel("examples", size=panels.MEDIUM, color=palette.INK)
    below.set_xlabel(
        "confidence: probability of the predicted class",
        size=panels.MEDIUM,
        color=palette.INK,
    )
    above.set(xlim=(0, 1), ylim=(0, 1))
    for axes in (above, below):
        axes.tick_params(labelsize=panels.SMALL, colors=palette.INK)
        axes.spines[["top", "right"]].set_visible(False)
        axes.xaxis.set_major_formatter(PercentFormatter(1))
        axes.yaxis.set_major_formatter(PercentFormatter(1))
    write_atomically(as_path(path), panels.png(figure))
