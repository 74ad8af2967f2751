"""Alpha over the epochs of a search, as heat maps and lines."""

import math

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from tfdarts.arguments import as_path
from tfdarts.files import write_atomically
from tfdarts.search_spaces.entropy import entropy
from tfdarts.structures import STRUCTURES
from tfdarts.structures import title_of
from tfdarts.visualization import palette
from tfdarts.visualization import panels
from tfdarts.visualization.alphas_by_node import heat_map_of_edges
from tfdarts.visualization.alphas_by_node import lines_by_node

MOST_PANELS = 20
"""The number of edges up to which each edge has its own panel."""


@panels.in_default_style
def draw_alphas(history, edges, primitives, genotype, directory):
    """Writes pictures of the alphas' weights, three for each cell type.

    - `alphas_<cell type>.png`: a heat map after the last epoch. The
      strongest primitive of an edge other than `"none"` is bold.
    - `alphas_<cell type>_over_time.png`: lines over the epochs, and the mean
      entropy.
    - `alphas_<cell type>_over_time_heatmap.png`: a heat map over the epochs.

    The last two have a panel for each edge: rows of panels are nodes,
    columns are predecessors. With more than 20 edges, as in the paper's
    recurrent cell, they only show the strongest primitive of each edge; see
    `tfdarts.visualization.alphas_by_node`.

    The edges and operations of the genotype are marked in all pictures.

    Args:
        history: Dict of arrays of shape `(epochs + 1, edges, primitives)`,
            one for each cell type: the probabilities of the primitives, row 0
            for the initial alphas.
        edges: Sequence of `(node, predecessor)`, as in
            `CNNSearchSpace().edges`.
        primitives: Sequence of primitive names.
        genotype: `Genotype` derived from the last alphas.
        directory: Path of the folder. It is created if missing.

    Returns:
        List of `pathlib.Path`, the written files.

    Raises:
        ValueError: If a shape is wrong or a number is not finite.
    """
    weights = {
        cell_type: _validate(cell_type, values, edges, primitives)
        for cell_type, values in history.items()
    }
    directory = as_path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    over_time = (_lines_over_time, _heatmap_over_time)
    if len(edges) > MOST_PANELS:
        over_time = (lines_by_node, heat_map_of_edges)
    for cell_type, cell_weights in weights.items():
        chosen = chosen_edges(genotype, cell_type, edges)
        for suffix, draw in zip(
            ("", "_over_time", "_over_time_heatmap"),
            (_final_heat_map, *over_time),
        ):
            figure = draw(cell_type, cell_weights, edges, primitives, chosen)
            paths.append(directory / f"alphas_{cell_type}{suffix}.png")
            write_atomically(paths[-1], panels.to_png(figure))
    return paths


def chosen_edges(genotype, cell_type, edges):
    """Returns the edges of a cell that are in its genotype.

    Args:
        genotype: `Genotype`.
        cell_type: String.
        edges: Sequence of `(node, predecessor)`, the edges of the search.

    Returns:
        Dict from positions in `edges` to primitives.

    Example:

    >>> from tfdarts.genotypes import Genotype
    >>> cell = Genotype(
    ...     recurrent=[("tanh", 0), ("relu", 0)], recurrent_concat=[1, 2]
    ... )
    >>> chosen_edges(cell, "recurrent", [(1, 0), (2, 0), (2, 1)])
    {0: 'tanh', 1: 'relu'}
    """
    positions = {edge: position for position, edge in enumerate(edges)}
    first = STRUCTURES[genotype.space].num_inputs
    return {
        positions[node, predecessor]: primitive
        for node, kept in enumerate(genotype.cells[cell_type].nodes, first)
        for primitive, predecessor in kept
    }


def heat_map(cell_type, weights, epochs, edges, primitives, chosen):
    """Returns a figure of one cell type's weights, edges by primitives.

    Args:
        cell_type: String.
        weights: Array `(edges, primitives)`, the probabilities.
        epochs: Integer, the number of epochs so far.
        edges: Sequence of `(node, predecessor)`.
        primitives: Sequence of primitive names.
        chosen: See `chosen_edges`.
    """
    figure = panels.new_figure(
        f"Weights of the operations after epoch {epochs}: "
        f"{title_of(cell_type)}",
        size=(3 + 1.29 * len(primitives), 2.2 + 0.4 * len(edges)),
    )
    axes = figure.add_subplot()
    image = _show(axes, weights, _darkest(weights))
    names = panels.edge_names(cell_type, edges)
    axes.set_yticks(range(len(edges)), names)
    axes.set_xticks(range(len(primitives)), primitives)
    axes.tick_params(length=0, labelsize=panels.SMALL)
    panels.color_names(axes.get_xticklabels(), primitives)
    _annotate(axes, weights, primitives)
    for row in range(1, len(edges)):
        if edges[row][0] != edges[row - 1][0]:
            axes.axhline(row - 0.5, color=palette.BACKGROUND, linewidth=4)
    axes.spines[:].set_visible(False)
    for edge, primitive in chosen.items():
        axes.add_patch(_frame(primitives.index(primitive), edge))
    bar = figure.colorbar(image, ax=axes, fraction=0.03)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=panels.SMALL, colors=palette.INK)
    panels.add_note(figure, "framed: the edges and operations of the genotype")
    return figure


def _final_heat_map(cell_type, weights, edges, primitives, chosen):
    epochs = len(weights) - 1
    return heat_map(cell_type, weights[-1], epochs, edges, primitives, chosen)


def _frame(column, row, width=1):
    """Returns a frame for cells of a heat map, inside their bounds."""
    return Rectangle(
        (column - 0.47, row - 0.43),
        width - 0.06,
        0.86,
        fill=False,
        edgecolor=palette.CHOSEN,
        linewidth=2.5,
    )


def _annotate(axes, weights, primitives):
    operations = np.array([name != "none" for name in primitives])
    strongest = np.where(operations, weights, -1).argmax(axis=1)
    for (row, column), weight in np.ndenumerate(weights):
        if weight == 0:  # A primitive that the edge may not have.
            continue
        axes.text(
            column,
            row,
            f"{weight:.2f}",
            ha="center",
            va="center",
            size=panels.MEDIUM,
            weight="bold" if column == strongest[row] else "normal",
            color="white" if weight > 0.6 * _darkest(weights) else palette.INK,
        )


def _lines_over_time(cell_type, weights, edges, primitives, chosen):
    figure = panels.new_figure(
        f"Weights of the operations by epoch: {title_of(cell_type)}"
    )
    axes_of_edges, corner = panels.add_panels(figure, cell_type, edges)
    for edge, axes in enumerate(axes_of_edges):
        for column, primitive in enumerate(primitives):
            axes.plot(
                weights[:, edge, column],
                color=palette.primitive_color(primitive),
                linewidth=4 if chosen.get(edge) == primitive else 1.5,
                marker=_marker(weights),
                label=primitive,
            )
        axes.grid(color=palette.QUIET, alpha=0.25)
        if edge in chosen:
            panels.frame_panel(axes)
    axes.set_ylim(0, 1.05 * weights.max())
    _add_legend(
        figure,
        primitives,
        "framed, with a thick line: the edges and operations of the genotype",
    )
    _draw_entropy(corner, weights)
    return figure


def _add_legend(figure, primitives, note):
    """Adds a legend of frames and colors below a figure."""
    handles = [
        Line2D([], [], color=palette.primitive_color(p), linewidth=4, label=p)
        for p in primitives
    ]
    legend = figure.legend(
        handles=handles,
        title=note,
        title_fontproperties={"weight": "bold", "size": panels.SMALL},
        loc="outside lower center",
        ncols=len(primitives),
        fontsize=panels.SMALL,
        frameon=False,
        handlelength=1,
        columnspacing=1.2,
    )
    legend.get_title().set_color(palette.CHOSEN)


def _draw_entropy(axes, weights):
    uniform = math.log(weights.shape[-1])
    axes.axhline(uniform, color=palette.QUIET, linestyle="--")
    axes.plot(
        entropy(weights).mean(axis=-1),
        color=palette.INK,
        linewidth=2.5,
        marker=_marker(weights),
    )
    axes.set_ylim(0, 1.1 * uniform)
    axes.set_title(
        "Mean entropy in nats (dashed: maximum)",
        size=panels.MEDIUM,
        weight="bold",
        color=palette.INK,
    )


def _heatmap_over_time(cell_type, weights, edges, primitives, chosen):
    figure = panels.new_figure(
        f"Weights of the operations by epoch: {title_of(cell_type)}"
    )
    axes_of_edges, corner = panels.add_panels(figure, cell_type, edges)
    for edge, axes in enumerate(axes_of_edges):
        image = _show(axes, weights[:, edge].T, _darkest(weights))
        if edge in chosen:
            panels.frame_panel(axes)
            row = primitives.index(chosen[edge])
            axes.add_patch(_frame(0, row, len(weights)))
    axes_of_edges[0].set_yticks(range(len(primitives)), primitives)
    for axes in axes_of_edges:
        panels.color_names(axes.get_yticklabels(), primitives)
    corner.set_axis_off()
    bar = corner.inset_axes([0.1, 0.4, 0.8, 0.2])
    figure.colorbar(image, cax=bar, orientation="horizontal")
    bar.set_title(
        "Weights of the operations", size=panels.MEDIUM, color=palette.INK
    )
    bar.tick_params(labelsize=panels.SMALL)
    panels.add_note(figure, "framed: the edges and operations of the genotype")
    return figure


def _marker(weights):
    return "o" if len(weights) <= 3 else None


def _show(axes, weights, darkest):
    return axes.imshow(
        weights, cmap="Blues", vmin=0, vmax=darkest, aspect="auto"
    )


def _darkest(weights):
    # An undecided search must not look decided, so the scale has a minimum.
    return max(weights.max(), 2 / weights.shape[-1])


def _validate(cell_type, probabilities, edges, primitives):
    probabilities = np.asarray(probabilities, dtype="float64")
    shape = (len(edges), len(primitives))
    if (
        probabilities.ndim != 3
        or not len(probabilities)
        or probabilities.shape[1:] != shape
    ):
        raise ValueError(
            f"The probabilities of the {cell_type} cell must have the shape "
            f"(epochs + 1, {shape[0]}, {shape[1]}), for {shape[0]} edges and "
            f"{shape[1]} primitives. Received shape: {probabilities.shape}."
        )
    if not np.isfinite(probabilities).all():
        raise ValueError(
            f"The probabilities of the {cell_type} cell must be finite, "
            f"but some are infinite or NaN, so the search diverged."
        )
    return probabilities
