"""Confusion matrices and reliability diagrams of a network's predictions."""

import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.ticker import MaxNLocator
from matplotlib.ticker import PercentFormatter

from tfdarts.arguments import as_path
from tfdarts.files import write_atomically
from tfdarts.visualization import palette
from tfdarts.visualization import panels
from tfdarts.visualization.tick_names import make_distinct
from tfdarts.visualization.tick_names import name_ticks

MOST_COUNTS = 20
"""The number of classes up to which each field shows its count."""

MOST_NAMES = 40
"""The number of classes up to which each class is named."""

MOST_MISTAKES = 12
"""The number of mistakes that are listed beside a matrix without counts."""


@panels.in_default_style
def draw_confusion(matrix, class_names, path):
    """Writes a picture of a confusion matrix.

    Rows are the true classes, columns the predicted ones. A field's color is
    its share of the row. With too many classes for counts, the most frequent
    mistakes are listed beside the matrix.

    Args:
        matrix: Rows of integers.
        class_names: Sequence of strings.
        path: Path of the PNG.
    """
    matrix = np.asarray(matrix)
    shares = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    right = np.trace(matrix) / matrix.sum()
    counted = len(matrix) <= MOST_COUNTS
    figure = panels.new_figure(
        f"Confusion of classes: {right:.1%} right",
        _size(matrix, counted),
    )
    if counted:
        axes = figure.subplots()
        _write_counts(axes, matrix, shares)
    else:
        axes, beside = figure.subplots(1, 2, width_ratios=(2, 1))
        _list_mistakes(beside, matrix, class_names)
    # A linear scale would show a few mistakes in a hundred as white.
    image = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, 0, 1))
    _name_classes(axes, class_names)
    bar = figure.colorbar(
        image, ax=axes, fraction=0.04, format=PercentFormatter(1)
    )
    bar.set_label("share of the class", size=panels.SMALL, color=palette.INK)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=panels.SMALL, colors=palette.INK)
    # The tight box includes names that extend past the figure.
    picture = panels.to_png(figure, bbox_inches="tight", pad_inches=0.2)
    write_atomically(as_path(path), picture)


def _size(matrix, counted):
    """Returns the size of a figure, in inches, for all counts and names."""
    if counted:
        field = max(0.3, 0.11 * len(f"{matrix.max():,}"))
        side = 5.5 + field * len(matrix)
        return side + 1, side
    height = 5 + 0.2 * min(len(matrix), MOST_NAMES)
    return 1.5 * height, height


def _write_counts(axes, matrix, shares):
    for row, column in np.argwhere(matrix):
        axes.text(
            column,
            row,
            f"{matrix[row, column]:,}",
            ha="center",
            va="center",
            size=panels.SMALL,
            weight="bold" if row == column else "normal",
            color="white" if shares[row, column] > 0.3 else palette.INK,
        )


def _name_classes(axes, class_names):
    if len(class_names) <= MOST_NAMES:
        name_ticks(axes.xaxis, class_names)
        name_ticks(axes.yaxis, class_names)
        if max(map(len, class_names)) > 3:
            axes.tick_params(axis="x", rotation=45)
            for label in axes.get_xticklabels():
                label.set_horizontalalignment("right")
                label.set_rotation_mode("anchor")
    else:
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(10, integer=True))
    numbers = "" if len(class_names) <= MOST_NAMES else ", by its number"
    axes.set_xlabel(
        f"predicted class{numbers}", size=panels.MEDIUM, color=palette.INK
    )
    axes.set_ylabel(
        f"true class{numbers}", size=panels.MEDIUM, color=palette.INK
    )
    axes.tick_params(
        labelsize=panels.SMALL, colors=palette.INK, length=0, pad=4
    )
    axes.spines[:].set_visible(False)


def _list_mistakes(axes, matrix, class_names):
    """Lists the most frequent confusions of two classes."""
    axes.set_axis_off()
    wrong = matrix - np.diag(np.diag(matrix))
    order = np.argsort(wrong, axis=None, kind="stable")[::-1]
    places = [np.unravel_index(k, wrong.shape) for k in order[:MOST_MISTAKES]]
    names = make_distinct(class_names)
    lines = [
        f"{wrong[row, column]:,} of {matrix[row].sum():,}  "
        f"{names[row]} → {names[column]}"
        for row, column in places
        if wrong[row, column]
    ]
    axes.text(
        0,
        1,
        "Most frequent mistakes\n" + "\n".join(lines or ["none"]),
        va="top",
        size=panels.SMALL,
        color=palette.INK,
        linespacing=1.9,
        parse_math=False,
        transform=axes.transAxes,
    )


@panels.in_default_style
def draw_reliability(calibration, path):
    """Writes a reliability diagram: accuracy by confidence.

    At the top are the accuracies of the bins, darker for bins with more
    examples; below are the numbers of examples.

    Args:
        calibration: Dict with `error` and, as lists over the bins of
            confidence, `count`, `confidence` and `accuracy`.
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
        f"Reliability: calibration error (ECE) {calibration['error']:.1%}, "
        f"{count.sum():,} examples",
        (10, 7.5),
    )
    above, below = figure.subplots(2, 1, height_ratios=(3, 1.3), sharex=True)
    bars = above.bar(
        middles[full], accuracy, 0.92 * width, color=palette.TRAINING
    )
    for bar, share in zip(bars, count[full] / count.max()):
        # Bins with few examples are unreliable, so they are paler.
        bar.set_alpha(0.25 + 0.75 * share)
    above.plot(
        [0, 1], [0, 1], "--", color=palette.QUIET, label="perfectly calibrated"
    )
    above.plot(
        confidence,
        accuracy,
        "o",
        color=palette.VALIDATION,
        markeredgecolor=palette.BACKGROUND,
        markersize=9,
        label="mean confidence and accuracy of a bin",
    )
    above.set_ylabel("accuracy", size=panels.MEDIUM, color=palette.INK)
    above.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=2,
        frameon=False,
        fontsize=panels.SMALL,
    )
    below.bar(middles, count, 0.92 * width, color=palette.QUIET)
    for middle, number in zip(middles[full], count[full]):
        below.annotate(
            f"{number:,}",
            (middle, number),
            (0, 2),
            textcoords="offset points",
            ha="center",
            size=panels.SMALL,
            color=palette.INK,
        )
    below.set_ylabel("examples", size=panels.MEDIUM, color=palette.INK)
    below.set_xlabel(
        "confidence: probability of the predicted class",
        size=panels.MEDIUM,
        color=palette.INK,
    )
    above.set(xlim=(0, 1), ylim=(0, 1.02))
    below.set_ylim(0, 1.25 * count.max())
    below.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    for axes in (above, below):
        axes.tick_params(labelsize=panels.SMALL, colors=palette.INK)
        axes.spines[["top", "right"]].set_visible(False)
        axes.xaxis.set_major_formatter(PercentFormatter(1))
    above.yaxis.set_major_formatter(PercentFormatter(1))
    write_atomically(as_path(path), panels.to_png(figure))
