"""Alpha over the epochs of a search, as heat maps and lines."""

import math

import numpy as np

from tfdarts.arguments import as_path
from tfdarts.files import write_atomically
from tfdarts.search_spaces.relaxation import log_softmax
from tfdarts.visualization import palette
from tfdarts.visualization import panels
from tfdarts.visualization.cells import CELL_NAMES


def draw_alphas(history, edges, primitives, directory):
    """Writes pictures of the softmax of alpha, three for each cell type.

    - `alphas_<cell type>.png`: a heat map after the last epoch. The
      strongest primitive of an edge other than `"none"` is bold.
    - `alphas_<cell type>_over_time.png`: lines over the epochs, and the mean
      entropy.
    - `alphas_<cell type>_over_time_heatmap.png`: a heat map over the epochs.

    The last two have a panel for each edge: rows of panels are nodes,
    columns are predecessors.

    Args:
        history: Dict of arrays of shape `(epochs + 1, edges, primitives)`,
            one for each cell type: the raw alphas, row 0 the initial ones.
        edges: Sequence of `(node, predecessor)`, as in
            `CNNSearchSpace().edges`.
        primitives: Sequence of primitive names.
        directory: Path of the folder. Created if missing.

    Returns:
        List of `pathlib.Path`, the files written.

    Raises:
        ValueError: If a shape is wrong or an alpha is not finite.
    """
    weights = {
        cell_type: np.exp(
            log_softmax(_checked(cell_type, alphas, edges, primitives))
        )
        for cell_type, alphas in history.items()
    }
    directory = as_path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for cell_type, cell_weights in weights.items():
        for suffix, draw in (
            ("", _final_heat_map),
            ("_over_time", _lines_over_time),
            ("_over_time_heatmap", _heatmap_over_time),
        ):
            figure = draw(cell_type, cell_weights, edges, primitives)
            paths.append(directory / f"alphas_{cell_type}{suffix}.png")
            write_atomically(paths[-1], panels.png(figure))
    return paths


def heat_map(cell_type, weights, epochs, edges, primitives):
    """Returns a figure of one cell type's weights, edges by primitives.

    Args:
        cell_type: String.
        weights: Array `(edges, primitives)`, the softmax of alpha.
        epochs: Integer, after how many epochs it is.
        edges: Sequence of `(node, predecessor)`.
        primitives: Sequence of primitive names.
    """
    figure = panels.new_figure(
        f"Softmax of alpha after epoch {epochs}: {CELL_NAMES[cell_type]}",
        size=(3 + 1.2 * len(primitives), 2 + 0.4 * len(edges)),
    )
    axes = figure.add_subplot()
    image = _show(axes, weights, _darkest(weights))
    names = panels.edge_names(edges)
    axes.set_yticks(range(len(edges)), names)
    axes.set_xticks(range(len(primitives)), primitives)
    axes.tick_params(length=0, labelsize=panels.MEDIUM)
    panels.color_names(axes.get_xticklabels(), primitives)
    _annotate(axes, weights, primitives)
    for row in range(1, len(edges)):
        if edges[row][0] != edges[row - 1][0]:
            axes.axhline(row - 0.5, color=palette.BACKGROUND, linewidth=4)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, fraction=0.03).outline.set_visible(False)
    return figure


def _final_heat_map(cell_type, weights, edges, primitives):
    epochs = len(weights) - 1
    return heat_map(cell_type, weights[-1], epochs, edges, primitives)


def _annotate(axes, weights, primitives):
    operations = np.array([name != "none" for name in primitives])
    strongest = np.where(operations, weights, -1).argmax(axis=1)
    for (row, column), weight in np.ndenumerate(weights):
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


def _lines_over_time(cell_type, weights, edges, primitives):
    figure = panels.new_figure(
        f"Softmax of alpha by epoch: {CELL_NAMES[cell_type]}"
    )
    axes_of_edges, corner = panels.add_panels(figure, edges)
    for edge, axes in enumerate(axes_of_edges):
        for column, primitive in enumerate(primitives):
            axes.plot(
                weights[:, edge, column],
                color=palette.primitive_color(primitive),
                linewidth=2,
                marker=_marker(weights),
                label=primitive,
            )
        axes.grid(color=palette.QUIET, alpha=0.25)
    axes.set_ylim(0, 1.05 * weights.max())
    figure.legend(
        handles=axes.get_lines(),
        loc="outside lower center",
        ncols=len(primitives),
        fontsize=panels.MEDIUM,
        frameon=False,
        handlelength=1,
        columnspacing=1.3,
    )
    _draw_entropy(corner, weights)
    return figure


def _draw_entropy(axes, weights):
    logs = np.log(np.maximum(weights, np.finfo(weights.dtype).tiny))
    entropy = -(weights * logs).sum(axis=-1).mean(axis=-1)
    uniform = math.log(weights.shape[-1])
    axes.axhline(uniform, color=palette.QUIET, linestyle="--")
    axes.plot(
        entropy, color=palette.INK, linewidth=2.5, marker=_marker(weights)
    )
    axes.set_ylim(0, 1.1 * uniform)
    axes.set_title(
        "Mean entropy in nats (dashed: maximum)",
        size=panels.MEDIUM,
        weight="bold",
        color=palette.INK,
    )


def _heatmap_over_time(cell_type, weights, edges, primitives):
    figure = panels.new_figure(
        f"Softmax of alpha by epoch: {CELL_NAMES[cell_type]}"
    )
    axes_of_edges, corner = panels.add_panels(figure, edges)
    for edge, axes in enumerate(axes_of_edges):
        image = _show(axes, weights[:, edge].T, _darkest(weights))
    axes_of_edges[0].set_yticks(range(len(primitives)), primitives)
    for axes in axes_of_edges:
        panels.color_names(axes.get_yticklabels(), primitives)
    corner.set_axis_off()
    bar = corner.inset_axes([0.1, 0.4, 0.8, 0.2])
    figure.colorbar(image, cax=bar, orientation="horizontal")
    bar.set_title("Softmax of alpha", size=panels.MEDIUM, color=palette.INK)
    bar.tick_params(labelsize=panels.SMALL)
    return figure


def _marker(weights):
    return "o" if len(weights) <= 3 else None


def _show(axes, weights, darkest):
    return axes.imshow(
        weights, cmap="Blues", vmin=0, vmax=darkest, aspect="auto"
    )


def _darkest(weights):
    # A search that has not decided yet must not look decided.
    return max(weights.max(), 2 / weights.shape[-1])


def _checked(cell_type, alphas, edges, primitives):
    alphas = np.asarray(alphas, dtype="float64")
    shape = (len(edges), len(primitives))
    if alphas.ndim != 3 or not len(alphas) or alphas.shape[1:] != shape:
        raise ValueError(
            f"The alphas of the {cell_type} cell must have the shape (epochs "
            f"+ 1, {shape[0]}, {shape[1]}), for {shape[0]} edges and "
            f"{shape[1]} primitives. Received shape: {alphas.shape}."
        )
    if not np.isfinite(alphas).all():
        raise ValueError(
            f"The alphas of the {cell_type} cell must be finite numbers, but "
            f"some are infinite or NaN, so the search diverged."
        )
    return alphas
