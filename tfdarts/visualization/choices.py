"""The choices of a model: the probability of each option."""

from tfdarts.arguments import as_path
from tfdarts.files import write_atomically
from tfdarts.visualization import palette
from tfdarts.visualization import panels

ROW = 0.42
"""Inches of a bar and the space around it."""


@panels.in_default_style
def draw_choices(choices, path):
    """Writes a picture of the choices of a model.

    A bar is the probability of an option; the chosen options are marked.

    Args:
        choices: Dict, the result of `tfdarts.choices_of`.
        path: Path of the PNG.

    Returns:
        The path.
    """
    path = as_path(path)
    rows = [len(choice["probabilities"]) for choice in choices.values()]
    height = ROW * (sum(rows) + 1.6 * len(rows)) + 1.2
    figure = panels.new_figure("The choices of the model", (9, height))
    grid = figure.subplots(
        len(rows),
        squeeze=False,
        sharex=True,
        gridspec_kw={"height_ratios": [number + 1.0 for number in rows]},
    )
    for axes, (name, choice) in zip(grid[:, 0], choices.items()):
        _draw_choice(axes, name, choice)
    axes.set_xlabel("probability", size=panels.MEDIUM, color=palette.INK)
    write_atomically(path, panels.to_png(figure))
    return path


def _draw_choice(axes, name, choice):
    probabilities = choice["probabilities"]
    chosen = choice["chosen"]
    chosen = [chosen] if isinstance(chosen, str) else chosen
    bars = axes.barh(
        [*probabilities],
        [*probabilities.values()],
        height=0.62,
        color=[
            palette.CHOSEN if option in chosen else palette.FAINT
            for option in probabilities
        ],
    )
    axes.bar_label(
        bars,
        [f"{value:.2f}" for value in probabilities.values()],
        padding=5,
        size=panels.SMALL,
        color=palette.INK,
    )
    axes.invert_yaxis()
    axes.set_xlim(0, 1.08)
    axes.set_ylim(len(probabilities) - 0.5, -0.5)
    axes.set_title(
        name, loc="left", size=panels.MEDIUM, color=palette.INK, weight="bold"
    )
    panels.style_axes(axes)
    axes.tick_params(axis="y", length=0)


@panels.in_default_style
def draw_choices_by_epoch(epochs, path):
    """Writes a picture of the choices of a model over the epochs.

    A panel is a choice, a line the probability of an option. The options that
    are chosen after the last epoch are marked.

    Args:
        epochs: List of the results of `tfdarts.choices_of`, one per epoch.
        path: Path of the PNG.

    Returns:
        The path.
    """
    path = as_path(path)
    names = [*epochs[-1]]
    figure = panels.new_figure(
        "The choices over the epochs", (10, 0.9 + 2.1 * len(names))
    )
    grid = figure.subplots(len(names), squeeze=False, sharex=True)
    for axes, name in zip(grid[:, 0], names):
        _draw_lines(axes, name, [choices[name] for choices in epochs])
    axes.set_xlabel("epoch", size=panels.MEDIUM, color=palette.INK)
    axes.xaxis.get_major_locator().set_params(integer=True)
    write_atomically(path, panels.to_png(figure))
    return path


def _draw_lines(axes, name, epochs):
    last = epochs[-1]
    chosen = last["chosen"]
    chosen = [chosen] if isinstance(chosen, str) else chosen
    heights = _spread([*last["probabilities"].values()])
    for option, height in zip(last["probabilities"], heights):
        values = [choice["probabilities"][option] for choice in epochs]
        is_chosen = option in chosen
        color = palette.CHOSEN if is_chosen else palette.QUIET
        axes.plot(
            values,
            color=color,
            linewidth=2.5 if is_chosen else 1.5,
            clip_on=False,
        )
        axes.annotate(
            option,
            (len(values) - 1, height),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            size=panels.SMALL,
            color=color,
            annotation_clip=False,
        )
    axes.set_ylim(0, 1)
    axes.set_xlim(0, max(len(epochs) - 1, 1))
    axes.set_title(
        name, loc="left", size=panels.MEDIUM, color=palette.INK, weight="bold"
    )
    panels.style_axes(axes)


def _spread(heights, gap=0.13):
    """Returns heights of labels that do not overlap, in the same order."""
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    placed, below = list(heights), -gap
    for position in order:
        placed[position] = below = max(heights[position], below + gap)
    above = 1 + gap
    for position in reversed(order):
        placed[position] = above = min(placed[position], above - gap)
    return placed
