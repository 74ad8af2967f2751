"""The early signs of a collapse, over the epochs of a search."""

import math

import numpy as np

from tfdarts.arguments import as_path
from tfdarts.files import write_atomically
from tfdarts.search_spaces.relaxation import entropy
from tfdarts.visualization import palette
from tfdarts.visualization import panels
from tfdarts.visualization.cells import CELL_NAMES


def draw_collapse(history, edges, metrics, path):
    """Writes a picture of the signs that a search collapses.

    Above is the entropy of each edge of each cell; below are the skip
    connections of the normal cell, for how long the genotype has not changed,
    and, where it was measured, the largest eigenvalue of the validation
    loss's Hessian in alpha.

    Args:
        history: Dict of arrays `(epochs + 1, edges, primitives)`, by cell
            type: the raw alphas, row 0 the initial ones.
        edges: Sequence of `(node, predecessor)`.
        metrics: Dict of lists, one value an epoch: `"skip_connections"`,
            `"epochs_unchanged"` and perhaps `"dominant_eigenvalue"`.
        path: Path of the PNG.
    """
    of_skips = "skip_connections" in metrics
    title = "Signs of a collapse" if of_skips else "How decided the search is"
    figure = panels.new_figure(f"{title}, by epoch")
    above, below = figure.subfigures(2, 1, height_ratios=(3, 2))
    heat_maps = above.subplots(1, len(history), sharey=True, squeeze=False)[0]
    for axes, (cell_type, alphas) in zip(heat_maps, history.items()):
        image = _draw_entropies(axes, entropy(alphas), len(alphas[0, 0]))
        axes.set_title(
            f"Entropy in nats: {CELL_NAMES[cell_type]}",
            size=panels.MEDIUM,
            color=palette.INK,
        )
    names = panels.edge_names(edges)
    # The 36 edges of a recurrent cell stand close together.
    size = min(panels.SMALL, 230 / len(edges))
    heat_maps[0].set_yticks(range(len(edges)), names, size=size)
    bar = above.colorbar(image, ax=heat_maps, fraction=0.02)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=panels.SMALL)
    shown = [line for line in LINES if line in metrics]
    lines = below.subplots(1, len(shown), squeeze=False)[0]
    for axes, name in zip(lines, shown):
        _draw_line(axes, name, metrics[name])
    write_atomically(as_path(path), panels.png(figure))


LINES = {
    "skip_connections": "Skip connections in the normal cell",
    "epochs_unchanged": "Epochs since the genotype changed",
    "dominant_eigenvalue": "Largest eigenvalue of the loss's Hessian in alpha",
}


def _draw_entropies(axes, entropies, num_primitives):
    image = axes.imshow(
        entropies.T,
        cmap="YlGnBu_r",
        vmin=0,
        vmax=math.log(num_primitives),
        aspect="auto",
    )
    axes.set_xlabel("epoch", size=panels.SMALL, color=palette.INK)
    panels.style(axes)
    axes.tick_params(left=False)
    axes.spines[:].set_visible(False)
    return image


def _draw_line(axes, name, values):
    epochs = np.arange(1, len(values) + 1)
    axes.plot(
        epochs,
        values,
        color=palette.INK,
        linewidth=2,
        marker="o" if len(values) <= 30 else None,
        markersize=4,
    )
    axes.set_title(LINES[name], size=panels.MEDIUM, color=palette.INK)
    axes.set_xlabel("epoch", size=panels.SMALL, color=palette.INK)
    axes.set_xlim(0, len(values) + 0.5)
    axes.set_ylim(0, 1.1 * np.nanmax([1e-9, *values, *_least_top(name)]))
    panels.style(axes)
    if name != "dominant_eigenvalue":
        axes.yaxis.get_major_locator().set_params(integer=True)
    axes.grid(color=palette.QUIET, alpha=0.25)


def _least_top(name):
    return () if name == "dominant_eigenvalue" else (4,)
