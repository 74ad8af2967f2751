"""Alpha over the epochs by node, for cells with many edges."""

import math

import numpy as np

from tfdarts.structures import title_of
from tfdarts.visualization import palette
from tfdarts.visualization import panels


def lines_by_node(cell_type, weights, edges, primitives, chosen):
    """Returns a figure with a panel for each node, and a line for each edge.

    A line is the weight of an edge's strongest primitive other than `"none"`,
    which ranks the edges of a node. The edges of the genotype have the color
    and the name of their operation; all others are gray.

    Args:
        cell_type: String.
        weights: Array `(epochs + 1, edges, primitives)`, the probabilities.
        edges: Sequence of `(node, predecessor)`.
        primitives: Sequence of primitive names.
        chosen: Dict from positions in `edges` to primitives.
    """
    figure = panels.new_figure(
        f"Strongest operation of each edge by epoch: {title_of(cell_type)}"
    )
    strongest = _strongest(weights, primitives)
    names = panels.edge_names(cell_type, edges)
    nodes = sorted({node for node, _ in edges})
    columns = math.ceil(len(nodes) / 2)
    grid = figure.subplots(2, columns, sharex=True, sharey=True, squeeze=False)
    for axes, node in zip(grid.flat, nodes):
        into = [e for e, (target, _) in enumerate(edges) if target == node]
        for edge in sorted(into, key=lambda e: e in chosen):
            _draw_line(axes, strongest[:, edge], chosen.get(edge))
        axes.set_title(
            "\n".join(f"{names[e]}: {chosen[e]}" for e in into if e in chosen),
            size=panels.MEDIUM,
            weight="bold",
            color=palette.INK,
        )
        panels.style_axes(axes)
        axes.grid(color=palette.QUIET, alpha=0.25)
    for axes in grid.flat[len(nodes) :]:
        axes.set_axis_off()
    for axes in grid[-1]:
        axes.set_xlabel("epoch", size=panels.SMALL, color=palette.INK)
    grid[0, 0].set_ylim(0, 1.05 * strongest.max())
    panels.add_note(
        figure,
        "one panel per node, one line per edge into the node; color: edges of "
        "the genotype, gray: other edges",
    )
    return figure


def _draw_line(axes, values, primitive):
    color = palette.primitive_color(primitive) if primitive else palette.FAINT
    axes.plot(
        values,
        color=color,
        linewidth=3.5 if primitive else 1.5,
        marker="o" if len(values) <= 3 else None,
        zorder=3 if primitive else 2,
    )


def heat_map_of_edges(cell_type, weights, edges, primitives, chosen):
    """Returns a figure with a row for each edge and a column for each epoch.

    The shade is the weight of the edge's strongest primitive other than
    `"none"`. Rows of edges in the genotype are named in bold, with their
    operation.

    Args:
        cell_type, weights, edges, primitives, chosen: See `lines_by_node`.
    """
    figure = panels.new_figure(
        f"Strongest operation of each edge by epoch: {title_of(cell_type)}",
        (13.33, 2.2 + 0.24 * len(edges)),
    )
    strongest = _strongest(weights, primitives)
    axes = figure.add_subplot()
    image = axes.imshow(
        strongest.T,
        cmap="Blues",
        vmin=0,
        vmax=max(strongest.max(), 2 / len(primitives)),
        aspect="auto",
    )
    names = [
        f"{name}: {chosen[edge]}" if edge in chosen else name
        for edge, name in enumerate(panels.edge_names(cell_type, edges))
    ]
    axes.set_yticks(range(len(edges)), names, size=panels.SMALL)
    panels.style_axes(axes)
    axes.tick_params(axis="y", length=0)
    axes.spines[:].set_visible(False)
    for edge, label in enumerate(axes.get_yticklabels()):
        if edge in chosen:
            label.set(weight="bold", color=palette.family_color(chosen[edge]))
    for edge in range(1, len(edges)):
        if edges[edge][0] != edges[edge - 1][0]:
            axes.axhline(edge - 0.5, color=palette.BACKGROUND, linewidth=4)
    axes.set_xlabel("epoch", size=panels.SMALL, color=palette.INK)
    bar = figure.colorbar(image, ax=axes, fraction=0.03)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=panels.SMALL, colors=palette.INK)
    panels.add_note(
        figure, "bold, with an operation: the edges of the genotype"
    )
    return figure


def _strongest(weights, primitives):
    """Returns the weight that ranks each edge, `(epochs + 1, edges)`."""
    operations = [k for k, name in enumerate(primitives) if name != "none"]
    return np.max(weights[..., operations], axis=-1)
