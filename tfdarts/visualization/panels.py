"""Figures in slide format, with one panel per edge of a cell."""

import io
import warnings

from matplotlib import style as styles
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tfdarts.structures import structure_with
from tfdarts.visualization import palette
from tfdarts.visualization.cell_graphs import node_names

SMALL, MEDIUM, LARGE = 11, 13, 19
WIDE = (13.33, 7.5)

in_default_style = styles.context("default")
"""A decorator that shields drawing from the user's matplotlib styles."""


def edge_names(cell_type, edges):
    """Returns the names of a cell's edges, made of the names of its nodes.

    Args:
        cell_type: String, the name of the cell in genotypes.
        edges: Sequence of `(node, predecessor)`.

    Example:

    >>> edge_names("normal", [(2, 0), (2, 1), (3, 2)])
    ['cₖ₋₂ → 2', 'cₖ₋₁ → 2', '2 → 3']
    >>> edge_names("recurrent", [(1, 0), (2, 1)])
    ['0 → 1', '1 → 2']
    """
    structure = structure_with(cell_type)
    names = node_names(structure, 1 + max(node for node, _ in edges))
    return [f"{names[p]} → {names[node]}" for node, p in edges]


def _first_node(edges):
    return min(node for node, _ in edges)


def new_figure(title, size=WIDE, **text):
    """Returns a figure with a title, without pyplot or a window.

    Args:
        title: String.
        size: Tuple `(width, height)` in inches.
        **text: Properties of the title that differ, such as `color`.
    """
    figure = Figure(
        figsize=size, layout="constrained", facecolor=palette.BACKGROUND
    )
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.1)
    figure.suptitle(title, **{"size": LARGE, "color": palette.INK, **text})
    return figure


def add_panels(figure, cell_type, edges):
    """Adds axes for each edge, rows by node and columns by predecessor.

    Args:
        figure: `matplotlib.figure.Figure`.
        cell_type: String, the name of the cell in genotypes.
        edges: Sequence of `(node, predecessor)`.

    Returns:
        List of axes, one per edge, and the axes in the corner above the
        triangle of the edges.
    """
    first = _first_node(edges)
    rows = 1 + max(node for node, _ in edges) - first
    columns = 1 + max(first, *(predecessor for _, predecessor in edges))
    grid = figure.add_gridspec(rows, columns)
    panels = []
    names = edge_names(cell_type, edges)
    for (node, predecessor), name in zip(edges, names):
        shared = panels[0] if panels else None
        axes = figure.add_subplot(
            grid[node - first, predecessor], sharex=shared, sharey=shared
        )
        axes.set_title(name, size=MEDIUM, color=palette.INK)
        style_axes(axes)
        if node - first == rows - 1:
            axes.set_xlabel("epoch", size=SMALL, color=palette.INK)
        axes.label_outer()
        panels.append(axes)
    width = max(2, columns // 2)
    corner = figure.add_subplot(grid[0, max(first, columns - width) :])
    style_axes(corner)
    return panels, corner


def style_axes(axes):
    """Sets ticks of axes over epochs, and hides two of their spines."""
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    axes.tick_params(labelsize=SMALL, colors=palette.INK)
    axes.spines[["top", "right"]].set_visible(False)


def frame_panel(axes):
    """Frames the panel of an edge that is in the genotype."""
    axes.title.set(weight="bold", color=palette.CHOSEN)
    axes.spines[:].set(visible=True, color=palette.CHOSEN, linewidth=2.5)


def add_note(figure, text):
    """Explains the marks of a figure below it."""
    figure.supxlabel(text, size=SMALL, color=palette.CHOSEN, weight="bold")


def color_names(labels, primitives):
    """Colors tick labels of primitives as in the drawings of cells."""
    for label, primitive in zip(labels, primitives):
        label.set_color(palette.family_color(primitive))


def to_png(figure, **options):
    """Returns a figure as PNG bytes.

    Args:
        figure: `matplotlib.figure.Figure`.
        **options: Further arguments of `Figure.savefig`.
    """
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # A character that no font has is drawn as a box.
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from")
        figure.savefig(buffer, format="png", dpi=150, **options)
    return buffer.getvalue()
