"""Line charts as coordinates, which the page draws as SVG."""

import collections
import itertools
import math
import typing

from matplotlib.ticker import MaxNLocator

from tfdarts.reports.shown_number import show_number

WIDTH, HEIGHT = 420, 250
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 22, 40
"""The size of a chart and its margins, in units of the SVG."""


class Line(typing.NamedTuple):
    """One line of a chart.

    Args:
        label: String.
        xs: Sequence of numbers.
        ys: Sequence of numbers; NaN is a gap.
        style: String, the class of the line in the style sheet: `"a"` to
            `"f"`, or `"dots"` for dots without a line.
        is_stepped: Boolean, whether a value holds until the next one.
    """

    label: str
    xs: typing.Sequence[float]
    ys: typing.Sequence[float]
    style: str = "a"
    is_stepped: bool = False


def line_chart(
    title,
    lines,
    x_label="epoch",
    percent=False,
    limits=(),
    marks=(),
    from_zero=False,
):
    """Returns a line chart as a dict of coordinates, texts and a table.

    Args:
        title: String.
        lines: List of `Line`. Lines without a finite value are left out.
        x_label: String.
        percent: Boolean, whether the values are shares to show in percent.
        limits: Sequence of pairs `(y, words)`: horizontal lines.
        marks: Sequence of pairs `(x, words)`: vertical lines.
        from_zero: Boolean, whether the vertical axis begins at zero.

    Returns:
        The chart, or `None` if there is no finite value.

    Example:

    >>> chart = line_chart("Loss", [Line("training", [1, 2, 3], [4, 2, 1])])
    >>> chart["summary"]
    'Loss. training: 4 at epoch 1, 1 at epoch 3; lowest 1, highest 4.'
    >>> chart["lines"][0]["points"][0], chart["lines"][0]["points"][-1]
    ((52.0, 22.0), (408.0, 210.0))
    """
    lines = [line for line in lines if any(map(math.isfinite, line.ys))]
    if not lines:
        return None
    xs = [x for line in lines for x in line.xs] + [x for x, _ in marks]
    ys = [y for line in lines for y in line.ys if math.isfinite(y)]
    ys += [y for y, _ in limits] + [0] * from_zero
    to_x = _scale(xs, LEFT, WIDTH - RIGHT)
    to_y = _scale(ys, HEIGHT - BOTTOM, TOP)
    show = _percent if percent else _number
    return {
        "title": title,
        "x_label": x_label,
        "lines": [_draw(line, to_x, to_y) for line in lines],
        "limits": [{"y": to_y(y), "words": words} for y, words in limits],
        "marks": [{"x": to_x(x), "words": words} for x, words in marks],
        "x_ticks": [
            {"at": to_x(x), "text": _number(x)}
            for x in _ticks(xs, _are_integers(xs))
        ],
        "y_ticks": [
            {"at": to_y(y), "text": show(y)}
            for y in _ticks(ys, _are_integers(ys))
        ],
        "summary": _summary(title, lines, x_label, show),
        "table": _table(lines, x_label, show),
    }


def _scale(values, start, end):
    """Returns a function from a value to its coordinate."""
    low, high = min(values), max(values)
    if low == high:
        low, high = low - 0.5, high + 0.5

    def to_coordinate(value):
        share = (value - low) / (high - low)
        return round(start + share * (end - start), 1)

    return to_coordinate


def _ticks(values, integer=False):
    """Returns round numbers within the range of the values."""
    low, high = min(values), max(values)
    if low == high:
        return [low]
    found = MaxNLocator(5, integer=integer, min_n_ticks=2)
    slack = 1e-9 * (high - low)
    return [
        float(tick)
        for tick in found.tick_values(low, high)
        if low - slack <= tick <= high + slack
    ]


def _are_integers(values):
    return all(float(value).is_integer() for value in values)


def _draw(line, to_x, to_y):
    """Returns the points of a line, and the parts between gaps."""
    parts, points = [[]], []
    for x, y in zip(line.xs, line.ys):
        if math.isfinite(y):
            points.append((to_x(x), to_y(y)))
            if line.is_stepped and parts[-1]:
                parts[-1].append((to_x(x), parts[-1][-1][1]))
            parts[-1].append(points[-1])
        elif parts[-1]:
            parts.append([])
    return {
        "label": line.label,
        "style": line.style,
        "points": points,
        "parts": [part for part in parts if len(part) > 1],
        "dotted": len(points) <= 12 or line.style == "dots",
    }


def _summary(title, lines, x_label, show):
    """Returns the sentence that a screen reader says for the picture."""
    sentences = []
    for line in lines:
        known = [(x, y) for x, y in zip(line.xs, line.ys) if math.isfinite(y)]
        values = [y for _, y in known]
        (first, start), (last, end) = known[0], known[-1]
        sentences.append(
            f"{line.label}: {show(start)} at {x_label} {_number(first)}, "
            f"{show(end)} at {x_label} {_number(last)}; lowest "
            f"{show(min(values))}, highest {show(max(values))}."
        )
    return " ".join([f"{title}.", *sentences])


def _table(lines, x_label, show):
    """Returns the columns and rows of the numbers of a chart.

    An `x` has as many rows as the most values that a line has there.
    """
    known = [collections.defaultdict(list) for _ in lines]
    for line, values in zip(lines, known):
        for x, y in zip(line.xs, line.ys):
            values[x].append(show(y) if math.isfinite(y) else "")
    rows = []
    for x in sorted({x for values in known for x in values}):
        columns = [values.get(x, []) for values in known]
        for texts in itertools.zip_longest(*columns, fillvalue=""):
            rows.append([_number(x), *texts])
    return {"columns": [x_label, *(line.label for line in lines)], "rows": rows}


def _percent(value):
    return f"{100 * value:.4g}%"


def _number(value):
    """Returns a number with at most four digits, or all of an integer.

    Example:

    >>> _number(3.0), _number(0.123456), _number(12345.6)
    ('3', '0.1235', '12,345.6')
    """
    is_whole = float(value).is_integer()
    return show_number(int(value) if is_whole else float(value))
